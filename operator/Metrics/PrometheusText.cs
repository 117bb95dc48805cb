using System.Globalization;

namespace Framelease.Operator.Metrics;

/// <summary>Writes metrics in the text format of Prometheus (0.0.4) or, where the scraper asks for it, of OpenMetrics (1.0.0).</summary>
static class PrometheusText
{
    public const string Plain = "text/plain; version=0.0.4; charset=utf-8";
    public const string OpenMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// <summary>OpenMetrics for whoever names it; everybody else reads the older format.</summary>
    public static bool WantsOpenMetrics(string accept) =>
        accept.Contains("application/openmetrics-text", StringComparison.OrdinalIgnoreCase);

    /// <summary>Families of one name (two meters may know the same thing) are written together, as both formats demand.</summary>
    public static void Write(TextWriter writer, IEnumerable<MetricFamily> families, bool openMetrics)
    {
        foreach (var same in families.GroupBy(f => f.Name, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var first = same.First();
            WriteHead(writer, first, openMetrics);
            foreach (var point in same.Where(f => f.Kind == first.Kind).SelectMany(f => f.Points).DistinctBy(p => p.Labels))
                WritePoint(writer, first, point);
        }

        if (openMetrics)
            writer.Write("# EOF\n");
    }

    static void WriteHead(TextWriter writer, MetricFamily family, bool openMetrics)
    {
        // In the older format a counter's family carries the suffix of its samples.
        var name = family.Kind is MetricKind.Counter && !openMetrics ? family.Name + "_total" : family.Name;
        var help = family.Help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        writer.Write($"# HELP {name} {(openMetrics ? help.Replace("\"", "\\\"", StringComparison.Ordinal) : help)}\n");
        writer.Write($"# TYPE {name} {family.Kind.ToString().ToLowerInvariant()}\n");
        if (openMetrics && family.Unit is { } unit && name.EndsWith("_" + unit, StringComparison.Ordinal))
            writer.Write($"# UNIT {name} {unit}\n");
    }

    static void WritePoint(TextWriter writer, MetricFamily family, MetricPoint point)
    {
        switch (point)
        {
            case MetricPoint.Number n:
                Sample(writer, family.Kind is MetricKind.Counter ? family.Name + "_total" : family.Name, n.Labels, n.Value);
                break;
            case MetricPoint.Distribution d:
                var cumulated = 0L;
                for (var i = 0; i < d.Counts.Count; i++)
                {
                    cumulated += d.Counts[i];
                    var bound = i < d.Bounds.Count ? Number(d.Bounds[i]) : "+Inf";
                    Sample(writer, family.Name + "_bucket", $"{d.Labels}{(d.Labels.Length > 0 ? "," : "")}le=\"{bound}\"", cumulated);
                }

                Sample(writer, family.Name + "_sum", d.Labels, d.Sum);
                Sample(writer, family.Name + "_count", d.Labels, cumulated);
                break;
        }
    }

    static void Sample(TextWriter writer, string name, string labels, double value)
    {
        writer.Write(name);
        if (labels.Length > 0)
        {
            writer.Write('{');
            writer.Write(labels);
            writer.Write('}');
        }

        writer.Write(' ');
        writer.Write(Number(value));
        writer.Write('\n');
    }

    static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);
}
