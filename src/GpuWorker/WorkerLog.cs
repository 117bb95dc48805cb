using System.Globalization;
using System.Text;

namespace Framelease.GpuWorker;

/// <summary>
/// The lines that <c>kubectl logs -f</c> shows: one for each phase, one about every two seconds while frames move. Plain text for people;
/// machines read the events instead. Written at once, so that nothing is lost with a killed worker.
/// </summary>
sealed class WorkerLog(TextWriter writer)
{
    const int MaxLine = 2000;
    readonly Lock _gate = new();

    public void Line(string text)
    {
        var line = Clean(text);
        lock (_gate)
        {
            writer.WriteLine(line);
            writer.Flush();
        }
    }

    /// <summary>For example <c>5.2 MB</c>.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        < 1000 => $"{bytes} B",
        < 1_000_000 => Number(bytes / 1e3, "kB"),
        < 1_000_000_000 => Number(bytes / 1e6, "MB"),
        _ => Number(bytes / 1e9, "GB"),
    };

    public static string Seconds(TimeSpan time) => Number(time.TotalSeconds, "s");

    static string Number(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {unit}");

    // names of files and answers of servers come from outside: they must not move a terminal's cursor or forge a line
    static string Clean(string text)
    {
        var cut = text.Length > MaxLine ? text[..MaxLine] + "…" : text;
        if (!cut.Any(char.IsControl))
            return cut;
        var clean = new StringBuilder(cut.Length);
        foreach (var c in cut)
            clean.Append(char.IsControl(c) ? ' ' : c);
        return clean.ToString();
    }
}
