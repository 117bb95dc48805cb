using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using static Framelease.Domain.Scheduling.DispatchRound;

namespace Framelease.Domain.Tests.Scheduling;

public class DispatchRoundTests
{
    static SlotSnapshot Slot(string node, int slot = 0, SlotState state = SlotState.Free, long token = 0, string device = "gpu-0") =>
        new(new SlotKey("cluster", node, device, slot), "pool", state, token, null, "Card", "Gpu", 0);

    static IReadOnlyList<Waiting> Queue(params string[] leases) => leases.Select(l => new Waiting(l)).ToList();

    [Fact]
    public void Free_slots_go_to_the_head_of_the_queue()
    {
        var result = Decide(Queue("first", "second", "third"), [Slot("a"), Slot("b")]);
        result.Grants.Select(g => g.LeaseUid).ShouldBe(["first", "second"]);
        result.Grants.Select(g => g.Slot.Key).ShouldBeUnique();
        result.Waiting.ShouldBe([new Reason("third", "WaitingForSlot", "position 1; 2 slots: 2 granted, 0 quarantined")]);
    }

    [Fact]
    public void Every_waiting_lease_gets_a_grant_or_a_reason()
    {
        const int Seed = 7;
        var random = new Random(Seed);
        for (var round = 0; round < 300; round++)
        {
            var slots = Enumerable.Range(0, random.Next(0, 6)).Select(i => Slot("n" + i, state: (SlotState)random.Next(3))).ToList();
            var queue = Queue(Enumerable.Range(0, random.Next(0, 8)).Select(i => "l" + i).ToArray());
            var result = Decide(queue, slots);
            result.Grants.Select(g => g.LeaseUid).Concat(result.Waiting.Select(w => w.LeaseUid))
                .ShouldBe(queue.Select(q => q.LeaseUid), $"seed {Seed}");
            result.Grants.Count.ShouldBe(Math.Min(queue.Count, slots.Count(s => s.State is SlotState.Free)), $"seed {Seed}");
            result.Grants.ShouldAllBe(g => g.Slot.State == SlotState.Free);
            result.Grants.Select(g => g.Slot.Key).ShouldBeUnique();
        }
    }

    [Fact]
    public void Positions_count_only_those_who_still_wait() =>
        Decide(Queue("a", "b", "c", "d"), [Slot("n")]).Waiting.Select(w => w.Message.Split(';')[0])
            .ShouldBe(["position 1", "position 2", "position 3"]);

    [Theory]
    [InlineData(SlotState.Granted, SlotState.Granted, "WaitingForSlot", "2 granted, 0 quarantined")]
    [InlineData(SlotState.Granted, SlotState.Quarantined, "WaitingForSlot", "1 granted, 1 quarantined")]
    [InlineData(SlotState.Quarantined, SlotState.Quarantined, "AllQuarantined", "0 granted, 2 quarantined")]
    public void Who_waits_is_told_what_for(SlotState one, SlotState other, string code, string message)
    {
        var reason = Decide(Queue("lease"), [Slot("a", state: one), Slot("b", state: other)]).Waiting.ShouldHaveSingleItem();
        reason.Code.ShouldBe(code);
        reason.Message.ShouldContain(message);
    }

    [Fact]
    public void A_pool_without_devices_is_a_reason_of_its_own() =>
        Decide(Queue("lease"), []).Waiting.ShouldHaveSingleItem().Code.ShouldBe("NoDevices");

    [Fact]
    public void Whole_devices_come_before_shared_ones_and_the_least_used_first()
    {
        SlotSnapshot[] slots =
            [Slot("a", slot: 1), Slot("a", token: 5), Slot("b", token: 2), Slot("b", token: 2, device: "gpu-1"), Slot("c", slot: 1)];
        Decide(Queue("1", "2", "3", "4", "5"), slots).Grants.Select(g => g.Slot.Key.ToString())
            .ShouldBe(["b/gpu-0#0", "b/gpu-1#0", "a/gpu-0#0", "a/gpu-0#1", "c/gpu-0#1"]);
    }

    [Fact]
    public void The_order_in_which_slots_were_read_does_not_matter()
    {
        var slots = Enumerable.Range(0, 20).Select(i => Slot("n" + i % 7, slot: i / 7, token: i % 3)).ToList();
        var random = new Random(11);
        var expected = Decide(Queue("a", "b", "c", "d", "e"), slots).Grants;
        for (var i = 0; i < 50; i++)
            Decide(Queue("a", "b", "c", "d", "e"), slots.OrderBy(_ => random.Next()).ToList()).Grants.ShouldBe(expected);
    }
}
