using Framelease.Domain.Leasing;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;

namespace Framelease.Operator.Tests.Status;

/// <summary>
/// What `kubectl get gl -o wide` and `kubectl describe gl` show: who, where, since when, what comes next, and why it waits.
/// </summary>
public sealed class LeaseStatusViewTests
{
    static readonly LeaseTerms Terms = Given.Terms with { Grades = new GradeTerms(1800, 3600, 7200, 600, 30) };

    static readonly ILeaseEvent[] Requested =
    [
        new LeaseRequested(
            Given.LeaseUid, "default", "clip-1", "default", "VideoTask default/clip", Given.TaskUid, 0, 1, Terms,
                new LeaseClaim("acme", 100, 5, 7)),
    ];

    static readonly ILeaseEvent[] Held = [.. Requested, new LeaseGranted(Given.Slot, "software slot", "Software", 0, 7, Terms),
        .. Given.Held()];

    static Framelease.Resources.GpuLeaseStatus View(ILeaseEvent[] events, Obstacle? wait = null, WaitRow? place = null)
    {
        var state = Given.Lease(events);
        return LeaseStatusView.Of(state, 1, wait, Given.At, null) with { Queue = QueueView.Of(state, place) };
    }

    static (string Status, string Reason) Condition(Framelease.Resources.GpuLeaseStatus status, string type) =>
        status.Conditions!.Single(c => c.Type == type) is var c ? (c.Status, c.Reason) : default;

    [Fact]
    public void A_waiting_lease_says_why_and_shows_every_term_of_its_place()
    {
        var status = View(Requested, new Obstacle("TenantAtLimit", "tenant acme holds 2 slots"), new WaitRow("TenantAtLimit", "", 3, 40));
        (status.State, status.Reason, status.NextGrade).ShouldBe(("Pending", "TenantAtLimit", null));
        var queue = status.Queue!;
        (queue.Tenant, queue.Points, queue.TierPoints, queue.Boost, queue.Complexity, queue.Position, queue.Length, queue.EnqueueTime)
            .ShouldBe(("acme", 112, 100, 5, 7, 3, 40L, Given.At));
    }

    [Fact]
    public void A_lease_whose_slot_follows_its_pod_shows_the_card_and_that_it_is_releasing()
    {
        var terms = Terms with { DevicePlugin = new DevicePluginTerms("nvidia.com/gpu") };
        ILeaseEvent[] held =
        [
            .. Requested, new LeaseGranted(Given.Slot, "L4", "Gpu", 0, 7, terms),
            new LeaseAttached(Given.PodUid, "node-1", DeviceUuid: "GPU-x"),
        ];
        var status = View(held);
        status.DeviceUuid.ShouldBe("GPU-x");
        status.Conditions!.Single(c => c.Type == "Attached").Message.ShouldEndWith(", device GPU-x");
        View([.. held[..2], .. Given.Held()]).Conditions!.Single(c => c.Type == "Attached").Message
            .ShouldContain("could not tell which device");
        var releasing = View([.. held, new LeaseReleased("Completed", true), new SlotQuarantined(Given.Slot, 7, LeaseState.Releasing)]);
        (releasing.State, releasing.Reason).ShouldBe(("Releasing", "Releasing"));
        Condition(releasing, "SlotFree").ShouldBe(("False", "Releasing"));
        Condition(releasing, "Finished").Status.ShouldBe("True");
    }

    [Fact]
    public void A_lease_that_is_not_admitted_says_why_before_anything_is_on_record() =>
        View([], new Obstacle("OutOfBounds", "spec.hardSeconds: too much")).Message.ShouldBe("spec.hardSeconds: too much");

    [Fact]
    public void A_held_lease_shows_its_pod_and_the_grade_that_comes_next()
    {
        View([.. Held[..2]]).NextGrade.ShouldBe("Attach");
        var held = View(Held);
        (held.Pod, held.NextGrade, held.NextGradeTime).ShouldBe((Given.PodUid, "Warning", Given.At.AddSeconds(1800)));
        var warned = View([.. Held, new LeaseWarned(1800)]);
        (warned.NextGrade, warned.NextGradeTime, warned.WarnedTime).ShouldBe(("Drain", Given.At.AddSeconds(3600), Given.At));
        var drained = View([.. Held, new LeaseWarned(1800), new LeaseDrainRequested(DrainCause.SoftTimeout, 3600, "soft")]);
        (drained.State, drained.NextGrade, drained.NextGradeTime).ShouldBe(("Draining", "Force", Given.At.AddSeconds(3600)));
        Condition(drained, "Draining").ShouldBe(("True", "SoftTimeout"));
    }

    [Fact]
    public void A_stalled_lease_says_so_until_something_moves()
    {
        var stalled = View([.. Held, new LeaseStalled(600)]);
        (stalled.State, stalled.Reason, stalled.StalledTime).ShouldBe(("Granted", "Stalled", Given.At));
        Condition(stalled, "Stalled").ShouldBe(("True", "NoProgress"));
        Condition(View([.. Held, new LeaseStalled(600), new LeaseProgressed()]), "Stalled").ShouldBe(("False", "Progressing"));
    }

    [Fact]
    public void An_ended_lease_has_nothing_before_it()
    {
        var ended = View([.. Held, new LeaseExpired(ExpiryCause.HardTimeout, "held"), new SlotQuarantined(Given.Slot, 7, "HardTimeout")]);
        (ended.State, ended.Reason, ended.NextGrade, ended.NextGradeTime).ShouldBe(("Quarantined", "HardTimeout", null, null));
    }
}
