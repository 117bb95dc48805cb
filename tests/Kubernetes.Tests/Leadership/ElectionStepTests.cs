// The election's step, without client, time or threads.
using Framelease.Kubernetes.Leadership;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Tests.Leadership;

public sealed class ElectionStepTests
{
    static readonly LeaderElectionOptions Options = new() { Name = "e", Identity = "me" };
    static readonly ElectionState Fresh = new ElectionState.Candidate(null);

    [Fact]
    public void A_lease_that_is_not_there_is_created() => Step(Fresh, Found(null)).Do.ShouldBeOfType<ElectionAction.Create>();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("me")] // ours: the answer to our write was lost
    public void A_lease_that_nobody_else_holds_is_taken_at_once(string? holder) =>
        Step(Fresh, Found(Held(holder))).Do.ShouldBeOfType<ElectionAction.Hold>();

    [Fact]
    public void A_lease_is_taken_over_only_after_it_did_not_change_for_its_duration_on_our_own_clock()
    {
        ElectionAction After(ElectionState state, DateTimeOffset renewed, double now) => Step(state, Found(Held("other", renewed)), now).Do;

        // Its times say 1970 or 2100: neither makes it expired or fresh.
        foreach (var renewed in new[] { DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero) })
        {
            var (seen, first) = Step(Fresh, Found(Held("other", renewed)), 100);
            first.ShouldBeOfType<ElectionAction.Wait>();
            After(seen, renewed, 114.9).ShouldBeOfType<ElectionAction.Wait>().For.ShouldBe(Seconds(0.1), Seconds(0.01));
            After(seen, renewed, 115).ShouldBeOfType<ElectionAction.Hold>();
            After(seen, renewed.AddSeconds(2), 115).ShouldBeOfType<ElectionAction.Wait>("a renewal begins a new wait");
        }
    }

    [Fact]
    public void The_duration_that_counts_is_the_holders()
    {
        var (seen, _) = Step(Fresh, Found(Held("other", seconds: 60)), 0);
        Step(seen, Found(Held("other", seconds: 60)), 59).Do.ShouldBeOfType<ElectionAction.Wait>();
        Step(seen, Found(Held("other", seconds: 60)), 60).Do.ShouldBeOfType<ElectionAction.Hold>();
    }

    [Fact]
    public void A_leader_renews_the_version_that_it_wrote()
    {
        var (leader, wait) = Step(Fresh, new ElectionInput.Wrote(Held("me"), Seconds(7)), 8);
        leader.ShouldBe(new ElectionState.Leader(Held("me"), Seconds(7)), "the time of sending counts");
        wait.ShouldBe(new ElectionAction.Wait(Options.RetryPeriod, Jitter: false));
        Step(leader, new ElectionInput.Woke(), 10).Do.ShouldBe(new ElectionAction.Hold(Held("me")));
    }

    [Fact]
    public void A_leader_that_was_beaten_looks_who_it_was()
    {
        Step(Leader, new ElectionInput.Beaten(), 2).ShouldBe((Leader, new ElectionAction.Read()));
        Step(Leader, Found(Held("me")), 2).Do.ShouldBeOfType<ElectionAction.Hold>("somebody changed a label");
        Step(Leader, Found(null), 2).Do.ShouldBeOfType<ElectionAction.Create>("somebody deleted it");
        Step(Leader, Found(Held("other")), 2).Next.ShouldBeOfType<ElectionState.Candidate>();
    }

    [Fact]
    public void A_leader_that_does_not_get_through_gives_up_before_others_may_take_over()
    {
        var (still, wait) = Step(Leader, new ElectionInput.Failed(), 9.9);
        still.ShouldBe(Leader);
        wait.ShouldBeOfType<ElectionAction.Wait>().For.ShouldBeLessThan(Options.RetryPeriod);
        Step(Leader, new ElectionInput.Failed(), 10).Next.ShouldBeOfType<ElectionState.Candidate>();
    }

    [Fact]
    public void A_leader_that_slept_gives_up_before_anything_else_even_if_its_last_write_was_stored()
    {
        Step(Leader, new ElectionInput.Woke(), 3600).Next.ShouldBeOfType<ElectionState.Candidate>();
        Step(Leader, new ElectionInput.Wrote(Held("me"), Seconds(1)), 3600).Next.ShouldBeOfType<ElectionState.Candidate>();
    }

    [Fact]
    public void A_takeover_counts_as_a_transition_and_a_renewal_does_not()
    {
        var now = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var taken = Election.Held(Held("other"), now, Options);
        taken.ShouldBe(new()
        {
            HolderIdentity = "me", LeaseDurationSeconds = 15, AcquireTime = now, RenewTime = now, LeaseTransitions = 4,
        });
        var renewed = Election.Held(new Lease { Spec = taken }, now.AddSeconds(2), Options);
        renewed.ShouldBe(taken with { RenewTime = now.AddSeconds(2) });
        Election.Held(null, now, Options).LeaseTransitions.ShouldBe(0);
    }

    [Theory]
    [InlineData(15, 15, 2, "RenewDeadline")]
    [InlineData(15, 10, 10, "RetryPeriod")]
    [InlineData(0.5, 0.2, 0.1, "LeaseDuration")]
    public void Times_that_do_not_fit_together_are_refused(double lease, double renew, double retry, string field) =>
        Should.Throw<ArgumentException>(() =>
            (Options with { LeaseDuration = Seconds(lease), RenewDeadline = Seconds(renew), RetryPeriod = Seconds(retry) }).Checked())
            .Message.ShouldStartWith(field);

    static ElectionState Leader => new ElectionState.Leader(Held("me"), TimeSpan.Zero);

    static (ElectionState Next, ElectionAction Do) Step(ElectionState state, ElectionInput input, double now = 0) =>
        Election.Step(state, input, Seconds(now), Options);

    static ElectionInput Found(Lease? lease) => new ElectionInput.Found(lease);

    static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    static readonly ObjectMeta Metadata = new() { Name = "e", ResourceVersion = "1" };

    static Lease Held(string? holder, DateTimeOffset? renewed = null, int seconds = 15) => new()
    {
        Metadata = Metadata,
        Spec = new() { HolderIdentity = holder, LeaseDurationSeconds = seconds, RenewTime = renewed, LeaseTransitions = 3 },
    };
}
