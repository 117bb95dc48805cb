using Framelease.Operator.Monitoring;

namespace Framelease.Operator.Tests.Monitoring;

public sealed class IssueRulesTests
{
    static readonly RecentDecisions Fine = new("a", 100, 5, 5, 5, 5, 0);

    [Fact]
    public void On_the_limits_nothing_is_wrong() => Find(Fine, quarantineSeconds: 300).ShouldBeEmpty();

    [Fact]
    public void More_than_a_tenth_of_timeouts_is_told() => Find(Fine with { WaitedTooLong = 6 }).ShouldBe(["GPU_LOCK_TIMEOUT_RATE_HIGH/a"]);

    [Fact]
    public void Fewer_than_nine_tenths_of_grants_are_told() =>
        Find(new RecentDecisions("a", 89, 11, 0, 0, 0, 0)).ShouldBe(["GPU_LOCK_SUCCESS_RATE_LOW/a"]);

    [Fact]
    public void A_quarantine_of_more_than_five_minutes_is_a_deadlock() =>
        Find(Fine, quarantineSeconds: 301).ShouldBe(["GPU_LOCK_DEADLOCK_DETECTED/a"]);

    [Fact]
    public void More_than_one_silent_worker_in_twenty_is_told_of_the_whole_platform() =>
        Find(Fine with { Silent = 6 }).ShouldBe(["HEARTBEAT_FAILURE_RATE_HIGH/"]);

    [Fact]
    public void One_false_expiry_is_one_too_many() => Find(Fine with { FalselySilent = 1 }).ShouldBe(["FrameleaseFalseExpiry/a"]);

    [Fact]
    public void A_degraded_device_is_told_with_its_reason()
    {
        var state = new PlatformState(Given.At, [], [], new AttachedState(0, 0, 0), 0)
        {
            Fitness =
            [
                new("a", "Healthy", 7, null), new("a", "Degraded", 1, "node-1/gpu-0: Xid 79"), new("b", "Probation", 1, "node-2/gpu-0"),
            ],
        };
        var issue = IssueRules.Find(new MonitoringFacts(state, [])).ShouldHaveSingleItem();
        (issue.Key, issue.Message).ShouldBe(
            ("FrameleaseDeviceDegraded/a", "1 devices are degraded and get no lease, for example node-1/gpu-0: Xid 79"));
    }

    [Fact]
    public void Where_nothing_happened_nothing_is_wrong() => Find(new RecentDecisions("a", 0, 0, 0, 0, 0, 0)).ShouldBeEmpty();

    static IEnumerable<string> Find(RecentDecisions recent, double quarantineSeconds = 0)
    {
        var slots = quarantineSeconds > 0 ? new[] { new SlotCount("a", "Quarantined", 1, quarantineSeconds) } : [];
        return IssueRules.Find(new MonitoringFacts(new PlatformState(Given.At, slots, [], new AttachedState(0, 0, 0), 0),
            [recent])).Select(i => i.Key);
    }
}
