using System.Globalization;

namespace Framelease.Benchmarks.Reporting;

/// <summary>One measured number beside its rival and its goal.</summary>
/// <param name="Met">Null for a figure without a goal.</param>
/// <param name="Ratio">Ours over the rival's; null when there is no rival.</param>
sealed record Figure(string Suite, string Name, double Value, string Unit, string Goal, bool? Met, double? Rival = null, double? Ratio = null)
{
    string Verdict => Met switch { true => "yes", false => "no", null => "n/a" };

    public override string ToString()
    {
        var rival = Rival is { } r ? string.Create(CultureInfo.InvariantCulture, $" rival={r:0.###}") : "";
        var ratio = Ratio is { } q ? string.Create(CultureInfo.InvariantCulture, $" ratio={q:0.###}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"figure {Suite}/{Name} value={Value:0.###} unit={Unit}{rival}{ratio} goal=\"{Goal}\" met={Verdict}");
    }
}
