using System.Text.RegularExpressions;
using Framelease.Operator.Tests.Support;

namespace Framelease.Operator.Tests.Metrics;

/// <summary>The shipped alerts: checked and fired by the real promtool, each with its runbook.</summary>
public sealed partial class AlertRulesTests
{
    static readonly string Rules = Path.Combine(Repository.Root, "charts/framelease/rules");
    static readonly string Runbooks = Path.Combine(Repository.Root, "docs/runbooks");

    [PrometheusFact]
    public async Task The_rules_are_valid()
    {
        var run = await ToolRun.RunAsync("promtool", ["check", "rules", "--lint=all", "--lint-fatal", "framelease.rules.yaml"],
            directory: Rules);
        run.ExitCode.ShouldBe(0, run.Output);
    }

    [PrometheusFact]
    public async Task Every_alert_fires_on_its_fault_and_is_silent_while_all_is_well()
    {
        var run = await ToolRun.RunAsync("promtool", ["test", "rules", "framelease.test.yaml"], directory: Rules);
        run.ExitCode.ShouldBe(0, run.Output);
        var tests = File.ReadAllText(Path.Combine(Rules, "framelease.test.yaml"));
        foreach (var alert in Alerts())
            tests.ShouldContain(alert, Case.Sensitive, $"{alert} has no test");
    }

    [Fact]
    public void Every_alert_has_a_runbook_and_every_runbook_an_alert()
    {
        var pages = Directory.EnumerateFiles(Runbooks, "*.md").Select(f => Path.GetFileNameWithoutExtension(f)).Where(p => p != "README");
        pages.Order(StringComparer.Ordinal).ShouldBe(Alerts().Order(StringComparer.Ordinal));
        var index = File.ReadAllText(Path.Combine(Runbooks, "README.md"));
        var rules = File.ReadAllText(Path.Combine(Rules, "framelease.rules.yaml"));
        foreach (var alert in Alerts())
        {
            rules.ShouldContain($"runbook_url: docs/runbooks/{alert}.md\n");
            index.ShouldContain($"[{alert}]({alert}.md)");
            var page = File.ReadAllText(Path.Combine(Runbooks, alert + ".md"));
            foreach (var section in new[] { $"# {alert}\n", "## What it means\n", "## What it costs\n", "## Look\n", "## Do\n" })
                page.ShouldContain(section, Case.Sensitive, alert);
        }
    }

    [Fact]
    public void The_names_of_the_source_are_kept()
    {
        string[] names =
        [
            "GPU_LOCK_TIMEOUT_RATE_HIGH", "GPU_LOCK_SUCCESS_RATE_LOW", "GPU_LOCK_DEADLOCK_DETECTED", "MONITOR_SERVICE_DOWN",
                "HEARTBEAT_FAILURE_RATE_HIGH",
        ];
        names.ShouldBeSubsetOf(Alerts());
    }

    [Fact]
    public void The_PrometheusRule_holds_the_same_groups_as_the_plain_file()
    {
        var plain = Lines("framelease.rules.yaml").SkipWhile(l => l != "groups:").Select(l => l.Length == 0 ? l : "  " + l);
        Lines("prometheusrule.yaml").SkipWhile(l => l != "spec:").Skip(1).ShouldBe(plain,
            "the head of prometheusrule.yaml says how it is made");
    }

    static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Rules, file));

    static List<string> Alerts() =>
        [.. Lines("framelease.rules.yaml").Select(l => Alert().Match(l)).Where(m => m.Success).Select(m => m.Groups["name"].Value)];

    [GeneratedRegex("^ *- alert: (?<name>\\w+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Alert();
}
