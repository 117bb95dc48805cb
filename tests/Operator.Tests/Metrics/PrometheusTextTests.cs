using Framelease.Operator.Metrics;

namespace Framelease.Operator.Tests.Metrics;

public sealed class PrometheusTextTests
{
    [Fact]
    public void A_counter_has_the_suffix_in_its_family_only_in_the_older_format()
    {
        var family = new MetricFamily("jobs", MetricKind.Counter, "Jobs", null, [new MetricPoint.Number("pool=\"a\"", 3)]);
        Text(family).ShouldBe("# HELP jobs_total Jobs\n# TYPE jobs_total counter\njobs_total{pool=\"a\"} 3\n");
        Text(family, openMetrics: true).ShouldBe("# HELP jobs Jobs\n# TYPE jobs counter\njobs_total{pool=\"a\"} 3\n# EOF\n");
    }

    [Fact]
    public void A_histogram_is_cumulated_up_to_infinity()
    {
        var family = new MetricFamily(
            "took_seconds", MetricKind.Histogram, "Took", "seconds", [new MetricPoint.Distribution("", [0.5, 1], [2, 0, 1], 3.25)]);
        Text(family).ShouldBe(
            """
            # HELP took_seconds Took
            # TYPE took_seconds histogram
            took_seconds_bucket{le="0.5"} 2
            took_seconds_bucket{le="1"} 2
            took_seconds_bucket{le="+Inf"} 3
            took_seconds_sum 3.25
            took_seconds_count 3

            """);
        Text(family, openMetrics: true).ShouldContain("# UNIT took_seconds seconds\n");
    }

    [Fact]
    public void Help_and_label_values_cannot_break_out_of_their_line()
    {
        var family = new MetricFamily(
            "x", MetricKind.Gauge, "a\\b\n\"c\"", null,
            [new MetricPoint.Number(MetricNames.Labels(("l", "a\"b\\c\nd")), double.PositiveInfinity)]);
        Text(family).ShouldBe("# HELP x a\\\\b\\n\"c\"\n# TYPE x gauge\nx{l=\"a\\\"b\\\\c\\nd\"} +Inf\n");
        Text(family, openMetrics: true).ShouldContain("# HELP x a\\\\b\\n\\\"c\\\"\n");
    }

    [Fact]
    public void Two_sources_of_one_family_are_written_under_one_head()
    {
        var a = new MetricFamily("x", MetricKind.Gauge, "X", null, [new MetricPoint.Number("a=\"1\"", 1)]);
        var b = new MetricFamily("x", MetricKind.Gauge, "X", null,
            [new MetricPoint.Number("a=\"1\"", 2), new MetricPoint.Number("a=\"2\"", 2)]);
        Text([a, b]).ShouldBe("# HELP x X\n# TYPE x gauge\nx{a=\"1\"} 1\nx{a=\"2\"} 2\n");
    }

    static string Text(MetricFamily family, bool openMetrics = false) => Text([family], openMetrics);

    static string Text(IEnumerable<MetricFamily> families, bool openMetrics = false)
    {
        var writer = new StringWriter();
        PrometheusText.Write(writer, families, openMetrics);
        return writer.ToString();
    }
}
