using System.Diagnostics.Metrics;
using System.Text;

namespace Framelease.Operator.Metrics;

/// <summary>Names and labels of instruments in Prometheus' alphabet: <c>framelease.commit.duration</c> in s is
/// <c>framelease_commit_duration_seconds</c>.</summary>
static class MetricNames
{
    /// <summary>Longer label values are cut: they are no labels but texts.</summary>
    public const int MaxValue = 128;

    static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal)
    {
        ["s"] = "seconds", ["ms"] = "milliseconds", ["By"] = "bytes", ["%"] = "percent", ["Cel"] = "celsius",
    };

    /// <summary>Seconds and bytes get a word of their own; counted things, such as <c>{request}</c>, get none.</summary>
    public static string? Unit(string? unit) => unit is null ? null : Units.GetValueOrDefault(unit);

    public static string Family(Instrument instrument)
    {
        var name = Clean(instrument.Name);
        if (Unit(instrument.Unit) is { } unit && !name.EndsWith("_" + unit, StringComparison.Ordinal))
            name = $"{name}_{unit}";
        // Both words belong to the samples of counters and histograms.
        if (name.EndsWith("_count", StringComparison.Ordinal))
            return name[..^"_count".Length] + "_number";
        return name.EndsWith("_total", StringComparison.Ordinal) ? name[..^"_total".Length] : name;
    }

    public static string Clean(string name)
    {
        var clean = new StringBuilder(name.Length);
        foreach (var c in name)
            clean.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
        return clean.Length == 0 || char.IsAsciiDigit(clean[0]) ? "_" + clean : clean.ToString();
    }

    public static string Labels(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            if (text.Length > 0)
                text.Append(',');
            text.Append(name).Append("=\"");
            Escape(text, value);
            text.Append('"');
        }

        return text.ToString();
    }

    static void Escape(StringBuilder text, string value)
    {
        foreach (var c in value.AsSpan(0, Math.Min(value.Length, MaxValue)))
        {
            _ = c switch
            {
                '\\' => text.Append("\\\\"),
                '"' => text.Append("\\\""),
                '\n' => text.Append("\\n"),
                _ => text.Append(c),
            };
        }
    }
}
