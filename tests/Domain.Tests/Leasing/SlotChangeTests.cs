using Framelease.Domain.Leasing;
using static Framelease.Domain.Tests.Leasing.LeaseFixtures;

namespace Framelease.Domain.Tests.Leasing;

public class SlotChangeTests
{
    static IReadOnlyList<SlotChange> Changes(LeaseState before, params ILeaseEvent[] events) => SlotChange.Of(before, "lease-1", events);

    [Fact]
    public void A_release_whose_slot_follows_its_pod_moves_it_once_and_frees_nothing() =>
        Changes(
            StateOf(Requested, Granted, Attached), Released with { SlotHeld = true }, Quarantined with { Reason = LeaseState.Releasing })
            .ShouldBe([new SlotChange(Key, SlotState.Granted, 7, SlotState.Quarantined, 7, "lease-1", "Releasing")]);

    [Fact]
    public void A_grant_takes_a_free_row_and_raises_its_token() =>
        Changes(StateOf(Requested), Granted)
            .ShouldBe([new SlotChange(Key, SlotState.Free, 6, SlotState.Granted, 7, "lease-1", null)]);

    [Fact]
    public void A_release_frees_the_row_at_once_and_keeps_its_token() =>
        Changes(StateOf(Requested, Granted, Attached), Released)
            .ShouldBe([new SlotChange(Key, SlotState.Granted, 7, SlotState.Free, 7, null, null)]);

    [Fact]
    public void A_bad_end_quarantines_the_row_which_still_names_its_last_holder_and_why() =>
        Changes(StateOf(Requested, Granted, Attached), Expired, Quarantined)
            .ShouldBe([new SlotChange(Key, SlotState.Granted, 7, SlotState.Quarantined, 7, "lease-1", "HeartbeatLost")]);

    [Fact]
    public void A_proof_frees_the_quarantined_row() =>
        Changes(StateOf(Requested, Granted, Attached, Expired, Quarantined), Freed)
            .ShouldBe([new SlotChange(Key, SlotState.Quarantined, 7, SlotState.Free, 7, null, Freed.Proof.ToString())]);

    [Fact]
    public void A_whole_life_in_one_commit_changes_the_row_step_by_step() =>
        Changes(LeaseState.Initial, Requested, Granted, Attached, Expired, Quarantined, Freed)
            .Select(c => (c.From, c.FromToken, c.To, c.ToToken))
            .ShouldBe([
                (SlotState.Free, 6, SlotState.Granted, 7),
                (SlotState.Granted, 7, SlotState.Quarantined, 7),
                (SlotState.Quarantined, 7, SlotState.Free, 7),
            ]);

    [Fact]
    public void A_release_in_the_commit_of_its_grant_knows_the_slot() =>
        Changes(StateOf(Requested), Granted, Released).Select(c => c.To).ShouldBe([SlotState.Granted, SlotState.Free]);

    public static TheoryData<ILeaseEvent> Others =>
        new(Requested, Attached, Expired, Revoked, new LeaseGaveUp("MaxWait"), new StaleHolderRejected("pod-2", 6, "beat"));

    [Theory, MemberData(nameof(Others))]
    public void Other_events_leave_the_row_alone(ILeaseEvent other) => Changes(StateOf(Requested, Granted), other).ShouldBeEmpty();

    [Fact]
    public void What_a_release_of_a_lease_without_a_grant_would_free_is_nothing() => Changes(StateOf(Requested), Released).ShouldBeEmpty();
}
