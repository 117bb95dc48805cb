// Numbers as people read them. Invariant: the same bytes everywhere, so that pipes can rely on them.
using System.Globalization;

namespace Framelease.Cli.Terminal;

static class Format
{
    static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0 ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {Units[unit]}");
    }

    /// <summary>As kubectl prints ages: the one or two largest units.</summary>
    public static string Age(TimeSpan age)
    {
        var seconds = Math.Max(0, (long)age.TotalSeconds);
        return seconds switch
        {
            < 120 => $"{seconds}s",
            < 600 => seconds % 60 == 0 ? $"{seconds / 60}m" : $"{seconds / 60}m{seconds % 60}s",
            < 3 * 3600 => $"{seconds / 60}m",
            < 8 * 3600 => seconds / 60 % 60 == 0 ? $"{seconds / 3600}h" : $"{seconds / 3600}h{seconds / 60 % 60}m",
            < 48 * 3600 => $"{seconds / 3600}h",
            _ => $"{seconds / 86400}d",
        };
    }

    /// <summary>Time of day in the local zone of the log, UTC, to the millisecond.</summary>
    public static string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);

    public static string Thousandths(long thousandths, string format = "0.0") =>
        (thousandths / 1000.0).ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Cuts at <paramref name="width"/> with an ellipsis; control characters become spaces, so that logs cannot move the cursor.</summary>
    public static string OneLine(string text, int width)
    {
        var clean = string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
                span[i] = char.IsControl(source[i]) ? ' ' : source[i];
        });
        return clean.Length <= width ? clean : string.Concat(clean.AsSpan(0, Math.Max(1, width - 1)), "…");
    }
}
