using Framelease.Operator.Monitoring;
using Framelease.Operator.Notifications;

namespace Framelease.Operator.Tests.Notifications;

public sealed class NotificationPlanTests
{
    static readonly NotificationOptions Options = new()
    {
        GroupSeconds = 30, EscalateSeconds = 900, RepeatSeconds = 14_400,
        Sinks = [Sink("ops", 0), Sink("critical", 0, IssueSeverity.Critical), Sink("lead", 1), Sink("boss", 2)],
    };

    [Fact]
    public void A_new_alert_waits_for_others_and_then_goes_with_them_in_one_message()
    {
        Plan([Alert("a", age: 29)]).Messages.ShouldBeEmpty();
        var plan = Plan([Alert("a", age: 40), Alert("b", age: 31)]);
        plan.Messages.Select(m => m.Sink).ShouldBe(["ops"]);
        plan.Messages[0].Body.Kind.ShouldBe(NotificationKind.Firing);
        plan.Messages[0].Body.Alerts.Select(a => a.Name).ShouldBe(["a", "b"]);
        plan.Levels.ShouldBe([("a/", 0), ("b/", 0)]);
    }

    [Fact]
    public void A_sink_is_told_of_nothing_less_severe_than_it_wants() =>
        Plan([Alert("a", age: 40, severity: IssueSeverity.Critical)]).Messages.Select(m => m.Sink).ShouldBe(["ops", "critical"]);

    [Fact]
    public void What_stays_unhandled_goes_one_level_further_after_each_escalation_time()
    {
        Plan([Alert("a", age: 929, level: 0)]).Messages.ShouldBeEmpty();
        var plan = Plan([Alert("a", age: 930, level: 0)]);
        plan.Messages.Select(m => (m.Sink, m.Body.Kind)).ShouldBe([("lead", NotificationKind.Escalated)]);
        plan.Levels.ShouldBe([("a/", 1)]);
        Plan([Alert("a", age: 1830, level: 1)]).Messages.Select(m => m.Sink).ShouldBe(["boss"]);
        Plan([Alert("a", age: 5000, level: 2)]).Messages.ShouldBeEmpty();
    }

    [Fact]
    public void What_somebody_cares_for_goes_no_further_and_is_not_repeated() =>
        Plan([Alert("a", age: 90_000, level: 0, toldAgo: 80_000) with { HandledAt = Given.At, HandledBy = "me" }]).Messages.ShouldBeEmpty();

    [Fact]
    public void What_nobody_handles_is_told_again_to_all_who_know_of_it()
    {
        var plan = Plan([Alert("a", age: 90_000, level: 2, toldAgo: 14_400)]);
        plan.Messages.Select(m => (m.Sink, m.Body.Kind)).ShouldBe(
            [("ops", NotificationKind.Repeated), ("lead", NotificationKind.Repeated), ("boss", NotificationKind.Repeated)]);
    }

    [Fact]
    public void Whoever_was_told_is_told_that_it_is_over_and_nobody_else()
    {
        var plan = Plan(
            [Alert("a", age: 500, level: 1, unseen: 76), Alert("b", age: 100, unseen: 76), Alert("c", age: 500, level: 0, unseen: 60)]);
        plan.Messages.Select(m => (m.Sink, m.Body.Kind)).ShouldBe(
            [("ops", NotificationKind.Resolved), ("lead", NotificationKind.Resolved)]);
        plan.Messages[0].Body.Alerts.Select(a => a.Name).ShouldBe(["a"]);
        plan.Resolved.ShouldBe(["a/", "b/"]);
    }

    static NotificationPlan Plan(IReadOnlyList<Alert> alerts) => NotificationPlan.Decide(alerts, Options, Given.At);

    static Alert Alert(
        string name, int age, int level = -1, int toldAgo = 1, int unseen = 0, IssueSeverity severity = IssueSeverity.Warning) => new(
        name + "/", name, severity, "", "message", Given.At.AddSeconds(-age), Given.At.AddSeconds(-unseen), level,
        Given.At.AddSeconds(-toldAgo), null, null, null);

    static SinkOptions Sink(string name, int level, IssueSeverity minimum = IssueSeverity.Warning) =>
        new() { Name = name, Type = SinkType.Webhook, Level = level, Minimum = minimum };
}
