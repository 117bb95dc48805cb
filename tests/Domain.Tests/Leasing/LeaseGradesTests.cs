using Framelease.Domain.Leasing;
using static Framelease.Domain.Tests.Leasing.LeaseFixtures;

namespace Framelease.Domain.Tests.Leasing;

/// <summary>Warning, drain, force: each once, in order, by PostgreSQL's clock. The fixtures' lease was granted at noon.</summary>
public class LeaseGradesTests
{
    static readonly GradeTerms Default = new(1800, 3600, 7200, 600, 30);

    /// <summary>Granted at noon, attached; then the events at their seconds after noon.</summary>
    static LeaseState Held(GradeTerms terms, params (int Second, object Event)[] later)
    {
        var grant = Granted with { Terms = Terms with { Grades = terms } };
        var state = StateOf(Requested, grant, Attached);
        return later.Aggregate(state, (s, e) => s.Evolve(e.Event, Noon.AddSeconds(e.Second)));
    }

    static ILeaseEvent[] Grade(LeaseState state, int second, int? delivered = null, bool stillStalled = false)
    {
        var command = new LeaseCommand.Grade(Noon.AddSeconds(second), delivered is { } d ? Noon.AddSeconds(d) : null, stillStalled);
        return [.. LeaseDecider.Decide(state, command).ShouldBeOfType<Decision<ILeaseEvent>.Events>().Items];
    }

    /// <summary>Looks at the given seconds, as leaders come and go, and hears the drain command <paramref name="hears"/> seconds after it
    /// was recorded.</summary>
    static List<(int Second, string Event)> Life(GradeTerms terms, IEnumerable<int> looks, int hears = 1)
    {
        var (state, told) = (Held(terms), new List<(int, string)>());
        int? delivered = null;
        foreach (var second in looks)
        {
            if (state.Drain is { } drain && (int)(drain.At - Noon).TotalSeconds + hears is var at && second >= at)
                delivered ??= at;
            foreach (var e in Grade(state, second, delivered))
            {
                told.Add((second, e.GetType().Name));
                state = state.Evolve(e, Noon.AddSeconds(second));
            }
        }

        return told;
    }

    [Fact]
    public void A_lease_is_warned_drained_and_forced_at_the_seconds_that_its_terms_name()
    {
        Life(Default, Enumerable.Range(0, 10_000)).ShouldBe([
            (1800, nameof(LeaseWarned)), (3600, nameof(LeaseDrainRequested)), (7200, nameof(LeaseExpired)),
                (7200, nameof(SlotQuarantined))]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void However_rarely_anybody_looks_each_grade_comes_once_and_in_order(int seed)
    {
        var random = new Random(seed);
        for (var run = 0; run < 200; run++)
        {
            var looks = Enumerable.Range(0, 40).Select(_ =>
                random.Next(20_000)).Append(20_000).Append(20_100).Append(20_200).Append(20_300).Order();
            Life(Default, looks).Select(e => e.Event).ShouldBe(
                [nameof(LeaseWarned), nameof(LeaseDrainRequested), nameof(LeaseExpired), nameof(SlotQuarantined)],
                    $"seed {seed}, run {run}");
        }
    }

    [Fact]
    public void A_grade_that_fell_due_in_blindness_is_delivered_at_first_contact_and_the_next_no_sooner_than_the_grace_later()
    {
        Life(Default, Enumerable.Range(9_000, 200)).ShouldBe([
            (9_000, nameof(LeaseWarned)), (9_030, nameof(LeaseDrainRequested)), (9_061, nameof(LeaseExpired)),
                (9_061, nameof(SlotQuarantined))]);
    }

    [Fact]
    public void Nobody_is_forced_before_the_drain_command_arrived_and_its_grace_passed()
    {
        var state = Held(Default, (1800, new LeaseWarned(1800)), (3600, new LeaseDrainRequested(DrainCause.SoftTimeout, 3600, "soft")));
        Grade(state, 8_000).ShouldBeEmpty();
        Grade(state, 8_000, delivered: 7_990).ShouldBeEmpty();
        Grade(state, 8_020, delivered: 7_990).ShouldBe([
            new LeaseExpired(ExpiryCause.HardTimeout, "held for 8020 s, hard limit 7200 s"), new SlotQuarantined(Key, 7, "HardTimeout")]);
    }

    [Fact]
    public void The_drain_command_names_the_seconds_that_are_left_until_force()
    {
        var warned = Held(Default, (1800, new LeaseWarned(1800)));
        Grade(warned, 3600).ShouldHaveSingleItem().ShouldBeOfType<LeaseDrainRequested>().GraceSeconds.ShouldBe(3600);
        Grade(warned, 7190).ShouldHaveSingleItem().ShouldBeOfType<LeaseDrainRequested>().GraceSeconds.ShouldBe(30);
    }

    [Fact]
    public void A_stall_is_recorded_once_and_its_end_too()
    {
        var held = Held(Default);
        LeaseDecider.Decide(held,
            new LeaseCommand.Stall(599)).ShouldBeOfType<Decision<ILeaseEvent>.Refused>().Reason.ShouldBe("NotStalled");
        var stalled = Held(Default, (700, new LeaseStalled(600)));
        LeaseDecider.Decide(stalled, new LeaseCommand.Stall(601)).ShouldBe(Decision<ILeaseEvent>.Nothing);
        LeaseDecider.Decide(stalled,
            new LeaseCommand.Progress()).ShouldBeOfType<Decision<ILeaseEvent>.Events>().Items.ShouldBe([new LeaseProgressed()]);
        LeaseDecider.Decide(held, new LeaseCommand.Progress()).ShouldBe(Decision<ILeaseEvent>.Nothing);
    }

    [Fact]
    public void A_stall_that_lasts_for_a_second_timeout_drains_the_holder_and_then_forces_it()
    {
        var stalled = Held(Default, (700, new LeaseStalled(600)));
        Grade(stalled, 1299, stillStalled: true).ShouldBeEmpty();
        Grade(stalled, 1300, stillStalled: false).ShouldBeEmpty();
        var drain = Grade(stalled, 1300, stillStalled: true).ShouldHaveSingleItem().ShouldBeOfType<LeaseDrainRequested>();
        (drain.Cause, drain.GraceSeconds).ShouldBe((DrainCause.Stalled, 30));
        var drained = stalled.Evolve(drain, Noon.AddSeconds(1300));
        Grade(drained, 1329, delivered: 1300).ShouldBeEmpty();
        Grade(drained, 1330, delivered: 1300)[0].ShouldBeOfType<LeaseExpired>().Cause.ShouldBe(ExpiryCause.Stalled);
    }

    [Fact]
    public void A_holder_that_ends_in_the_grace_is_released_and_not_graded_any_more()
    {
        var drained = Held(Default, (1800, new LeaseWarned(1800)), (3600, new LeaseDrainRequested(DrainCause.SoftTimeout, 3600, "soft")));
        LeaseDecider.Decide(drained, new LeaseCommand.Release(7, "Completed", "pod-1")).ShouldBeOfType<Decision<ILeaseEvent>.Events>()
            .Items.ShouldBe([new LeaseReleased("Completed")]);
        Grade(drained.Evolve(Released, Noon), 9_000, delivered: 3601).ShouldBeEmpty();
    }

    [Fact]
    public void A_drained_device_asks_its_holder_to_end_and_revokes_who_does_not()
    {
        var held = Held(Default);
        var asked = LeaseDecider.Decide(held,
            new LeaseCommand.Drain(DrainCause.DeviceDrained, "spec.devices")).ShouldBeOfType<Decision<ILeaseEvent>.Events>()
            .Items.ShouldHaveSingleItem().ShouldBeOfType<LeaseDrainRequested>();
        var drained = held.Evolve(asked, Noon.AddSeconds(100));
        LeaseDecider.Decide(drained, new LeaseCommand.Drain(DrainCause.DeviceDrained, "again")).ShouldBe(Decision<ILeaseEvent>.Nothing);
        Grade(drained, 130, delivered: 100)[0].ShouldBeOfType<LeaseRevoked>().By.ShouldBe("drain");
    }

    [Fact]
    public void A_lease_of_before_graded_terms_has_no_grades() => Grade(StateOf(Requested, Granted, Attached), 1_000_000).ShouldBeEmpty();

    [Fact]
    public void A_grant_to_which_nobody_attached_has_no_grades() =>
        Grade(StateOf(Requested, Granted with { Terms = Terms with { Grades = Default } }), 1_000_000).ShouldBeEmpty();

    [Theory]
    [InlineData(1800, 1810, 7200, 600, 30, "softSeconds is 1810")]
    [InlineData(1800, 3600, 3610, 600, 30, "hardSeconds is 3610")]
    [InlineData(0, 0, 7200, 600, 30, "set both or neither")]
    [InlineData(0, 3600, 7200, 100, 30, "progressTimeoutSeconds is 100")]
    [InlineData(0, 3600, 7200, 600, 0, "drainGraceSeconds is 0")]
    [InlineData(-1, 3600, 7200, 600, 30, "0 (no limit) or more")]
    public void Grades_that_contradict_each_other_are_refused_and_say_what_is_allowed(
        int warning, int soft, int hard, int progress, int grace, string message) =>
        (Terms with { Grades = new GradeTerms(warning, soft, hard, progress, grace) }).Complaint().ShouldNotBeNull().ShouldContain(message);

    [Fact]
    public void Grades_may_be_left_out_one_by_one()
    {
        Life(new GradeTerms(0, 100, 200, 0, 10), Enumerable.Range(0, 300)).Select(e => e.Second).ShouldBe([100, 200, 200]);
        Life(new GradeTerms(50, 0, 0, 0, 10), Enumerable.Range(0, 300)).ShouldBe([(50, nameof(LeaseWarned))]);
        Life(new GradeTerms(0, 0, 0, 0, 10), Enumerable.Range(0, 300)).ShouldBeEmpty();
    }

    [Fact]
    public void A_slot_is_freed_by_time_only_under_a_lock_delay_and_only_after_it()
    {
        LeaseCommand.Free At(int second) => new(FreeProof.LockDelay, "lock delay", null, Noon.AddSeconds(second));
        var lost = StateOf(Requested, Granted, Attached, Expired, Quarantined);
        LeaseDecider.Decide(lost, At(100_000)).ShouldBeOfType<Decision<ILeaseEvent>.Refused>().Message.ShouldContain("never freed by time");
        var terms = Terms with { LockDelay = new LockDelayTerms(StopAfterSeconds: 60, LockDelaySeconds: 120) };
        var delayed = StateOf(Requested, Granted with { Terms = terms }, Attached, Expired, Quarantined);
        LeaseDecider.Decide(delayed, At(119)).ShouldBeOfType<Decision<ILeaseEvent>.Refused>().Reason.ShouldBe("NotProven");
        LeaseDecider.Decide(delayed, At(120)).ShouldBeOfType<Decision<ILeaseEvent>.Events>();
        (terms with { LockDelay = new LockDelayTerms(60, 119) }).Complaint().ShouldNotBeNull().ShouldContain("twice stopAfterSeconds");
    }
}
