using Framelease.Domain.Leasing;
using static Framelease.Domain.Tests.Leasing.LeaseFixtures;

namespace Framelease.Domain.Tests.Leasing;

public class LeaseStateTests
{
    [Fact]
    public void Every_moment_is_kept_as_PostgreSQL_stamped_it()
    {
        var state = new object[] { Requested, Granted, Attached, Released }
            .Select((e, minute) => (e, At: Noon.AddMinutes(minute)))
            .Aggregate(LeaseState.Initial, (s, x) => s.Evolve(x.e, x.At));
        (state.RequestedAt, state.GrantedAt, state.AttachedAt, state.EndedAt)
            .ShouldBe((Noon, Noon.AddMinutes(1), Noon.AddMinutes(2), Noon.AddMinutes(3)));
    }

    public static TheoryData<object, LeasePhase, string, string> Ends => new()
    {
        { Released, LeasePhase.Released, "Released", "Completed" },
        { Expired, LeasePhase.Expired, "HeartbeatLost", "silent for 300 s" },
        { Revoked, LeasePhase.Revoked, "Revoked", "by anna: maintenance" },
        { new LeaseGaveUp("MaxWait"), LeasePhase.GaveUp, "MaxWait", "ended before a grant" },
    };

    [Theory, MemberData(nameof(Ends))]
    public void Every_end_says_why(object end, LeasePhase phase, string reason, string message)
    {
        var state = StateOf(Requested, Granted, end);
        (state.Phase, state.EndReason, state.EndMessage, state.EndedAt, state.IsEnded, state.IsGranted)
            .ShouldBe((phase, reason, message, Noon, true, false));
    }

    [Fact]
    public void Only_a_proof_ends_the_quarantine()
    {
        StateOf(Requested, Granted, Expired, Quarantined).SlotQuarantined.ShouldBeTrue();
        var freed = StateOf(Requested, Granted, Expired, Quarantined, Freed);
        freed.SlotQuarantined.ShouldBeFalse();
        freed.Freed.ShouldBe(Freed);
        freed.Phase.ShouldBe(LeasePhase.Expired);
    }
}
