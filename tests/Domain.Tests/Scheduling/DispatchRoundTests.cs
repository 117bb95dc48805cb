using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;

namespace Framelease.Domain.Tests.Scheduling;

/// <summary>One round: who gets what, and what everybody else is told.</summary>
public class DispatchRoundTests
{
    static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Slots are named by their state, for example <c>FGQ</c>; every device has as many as the word has letters.</summary>
    static DeviceView Device(string name, string slots = "F", DeviceTraits? traits = null, DeviceNeed? used = null,
        string node = "node-a") => new(
        node, name, traits ?? DeviceTraits.Unknown, used ?? DeviceNeed.None,
        [
            .. slots.Select((letter, i) => new SlotSnapshot(
                new SlotKey("cluster", node, name, i), "pool",
                letter switch { 'F' => SlotState.Free, 'G' => SlotState.Granted, _ => SlotState.Quarantined }, 7,
                letter == 'F' ? null : $"{name}-{i}", "Card", "Gpu", 0)
            {
                Traits = traits ?? DeviceTraits.Unknown,
            }),
        ]);

    static QueueGroup Group(string tenant, DeviceNeed? need, params (string Lease, int Second)[] heads) =>
        new(tenant, need ?? DeviceNeed.None, [.. heads.Select(h => new WaitingLease(h.Lease, Noon.AddSeconds(h.Second)))]);

    static DispatchResult Decide(
        IReadOnlyList<DeviceView> devices, IReadOnlyList<QueueGroup> groups, Dictionary<string, TenantShare>? tenants = null,
            int most = 100) =>
        DispatchRound.Decide(new PoolView(groups, devices, tenants ?? [], most));

    static string[] Granted(DispatchResult result) =>
        [.. result.Grants.Select(g => $"{g.LeaseUid}→{g.Slot.Key.Device}#{g.Slot.Key.Slot}")];

    static (string, string) Reason(DispatchResult result) => result.Waiting.ShouldHaveSingleItem() is var r ? (r.Code, r.Message) : default;

    [Fact]
    public void Free_slots_go_to_the_first_in_the_queue_whatever_their_group()
    {
        var result = Decide(
            [Device("a"), Device("b")],
            [Group("x", null, ("x1", 2), ("x2", 3)), Group("y", null, ("y1", 1), ("y2", 4)),
                Group("x", new DeviceNeed(1, 0, 0), ("x3", 5))]);
        result.Grants.Select(g => g.LeaseUid).ShouldBe(["y1", "x1"]);
        result.Front.Select(w => w.LeaseUid).ShouldBe(["x2", "y2", "x3"]);
        result.Waiting.Select(w => w.Code).ShouldAllBe(c => c == "WaitingForSlot");
    }

    [Fact]
    public void Work_spreads_over_devices_before_it_shares_one() =>
        Granted(Decide([Device("a", "FF"), Device("b", "FF")], [Group("x", null, ("1", 1), ("2", 2), ("3", 3))])).ShouldBe(["1→a#0",
            "2→b#0", "3→a#1"]);

    [Fact]
    public void A_device_on_probation_comes_last_and_takes_one_lease_at_a_time()
    {
        var probation = DeviceTraits.Unknown with { OnProbation = true };
        var group = Group("x", null, ("1", 1), ("2", 2), ("3", 3));
        var result = Decide([Device("a", "FF", probation), Device("b", "GF")], [group]);
        Granted(result).ShouldBe(["1→b#1", "2→a#0"]);
        Reason(result).ShouldBe(("WaitingForSlot", "4 slots could hold it: 4 are held, 0 are in quarantine; 1 of their devices are on "
            + "probation and take one lease at a time"));
        Decide([Device("a", "GF", probation), Device("b", "QF", probation)], [group]).Grants.ShouldBeEmpty();
        Granted(Decide([Device("a", "F", new DeviceTraits(24_000, 0, 0) { OnProbation = true })],
            [Group("x", new DeviceNeed(20_000, 0, 0), ("1", 1))])).ShouldBe(["1→a#0"]);
        Decide([Device("a", "F", new DeviceTraits(16_000, 0, 0) { OnProbation = true })],
            [Group("x", new DeviceNeed(20_000, 0, 0), ("1", 1))]).Grants.ShouldBeEmpty();
    }

    [Fact]
    public void A_lease_that_counts_memory_takes_the_smallest_room_that_holds_it()
    {
        var devices = new[] { Device("big", "FF", new DeviceTraits(80_000, 0, 0)), Device("small", "FF", new DeviceTraits(24_000, 0, 0)) };
        Granted(Decide(devices, [Group("x", new DeviceNeed(20_000, 0, 0), ("1", 1), ("2", 2))])).ShouldBe(["1→small#0", "2→big#0"]);
    }

    [Fact]
    public void Encoder_and_decoder_sessions_are_counted_with_those_of_other_holders()
    {
        var device = Device("a", "GFF", new DeviceTraits(0, EncodeSessions: 5, DecodeSessions: 2), new DeviceNeed(0, 3, 0));
        var result = Decide([device], [Group("x", new DeviceNeed(0, 2, 2), ("1", 1), ("2", 2))]);
        Granted(result).ShouldBe(["1→a#1"]);
        Reason(result).Item1.ShouldBe("WaitingForRoom");
    }

    [Fact]
    public void What_no_device_has_even_empty_is_unschedulable_and_does_not_hold_up_others()
    {
        var devices = new[] { Device("a", "FF", new DeviceTraits(24_000, 3, 0)) };
        var result = Decide(devices, [Group("x", new DeviceNeed(48_000, 0, 0), ("huge", 1)), Group("x", null, ("small", 2))]);
        Granted(result).ShouldBe(["small→a#0"]);
        Reason(result).ShouldBe((
            "Unschedulable",
            "the lease needs 48000 MiB; no device of the pool has that even when it is empty: at most 24000 MiB, 3 encoder "
            + "sessions, 0 decoder sessions (0 = not counted)"));
        Decide(devices, [Group("x", new DeviceNeed(0, 4, 0), ("1", 1))]).Waiting[0].Code.ShouldBe("Unschedulable");
    }

    [Fact]
    public void For_the_first_that_finds_no_room_one_device_is_kept_free_of_smaller_ones()
    {
        var devices = new[] { Device("a", "GF", new DeviceTraits(24_000, 0, 0), new DeviceNeed(10_000, 0, 0)),
            Device("b", "F", new DeviceTraits(8_000, 0, 0)) };
        var result = Decide(devices,
            [Group("x", new DeviceNeed(20_000, 0, 0), ("large", 1)), Group("x", new DeviceNeed(4_000, 0, 0), ("1", 2), ("2", 3))]);
        Granted(result).ShouldBe(["1→b#0"], "device a has room for a small one, and waits for the large one");
        result.Waiting.Single(w => w.Group.Need.VramMiB == 20_000).Message.ShouldContain("node-a/a is kept free");
    }

    [Fact]
    public void A_device_out_of_service_gets_no_lease_and_says_why()
    {
        var traits = new DeviceTraits(0, 0, 0, "Cordoned", "maintenance");
        Granted(Decide([Device("a", "F", traits), Device("b", "F")], [Group("x", null, ("1", 1), ("2", 2))])).ShouldBe(["1→b#0"]);
        Reason(Decide([Device("a", "F", traits)], [Group("x", null, ("1", 1))])).ShouldBe((
            "NoDeviceInService", "every device that could hold it is out of service: 1 Cordoned (node-a/a: maintenance)"));
    }

    [Fact]
    public void A_tenant_at_its_concurrency_waits_and_lets_others_pass()
    {
        var tenants = new Dictionary<string, TenantShare> { ["x"] = new(Held: 1, Concurrency: 2, MaxConcurrency: null, Weight: 1) };
        var result = Decide(
            [Device("a"), Device("b"), Device("c")], [Group("x", null, ("x1", 1), ("x2", 2), ("x3", 3)), Group("y", null, ("y1", 9))],
                tenants);
        result.Grants.Select(g => g.LeaseUid).ShouldBe(["x1", "y1"]);
        Reason(result).ShouldBe(("TenantAtLimit", "tenant x holds 2 slots, its concurrency is 2"));
    }

    [Fact]
    public void What_is_left_is_split_by_weight_among_tenants_at_their_concurrency()
    {
        var tenants = new Dictionary<string, TenantShare>
        {
            ["x"] = new(Held: 1, Concurrency: 1, MaxConcurrency: 100, Weight: 3),
            ["y"] = new(Held: 1, Concurrency: 1, MaxConcurrency: 100, Weight: 1),
        };
        var devices = Enumerable.Range(0, 8).Select(i => Device($"d{i}")).ToList();
        var queue = Enumerable.Range(0, 20).ToList();
        var result = Decide(
            devices,
            [Group("y", null, [.. queue.Select(i => ($"y{i}", i))]), Group("x", null, [.. queue.Select(i => ($"x{i}", i + 100))])],
                tenants);
        result.Grants.Count(g => g.LeaseUid[0] == 'x').ShouldBe(6);
        result.Grants.Count(g => g.LeaseUid[0] == 'y').ShouldBe(2);
    }

    [Fact]
    public void Nobody_below_its_concurrency_waits_for_one_above_it()
    {
        var tenants = new Dictionary<string, TenantShare> { ["x"] = new(Held: 1, Concurrency: 1, MaxConcurrency: 10, Weight: 1000) };
        Decide([Device("a")], [Group("x", null, ("x1", 1)), Group("y", null, ("y1", 99))],
            tenants).Grants.ShouldHaveSingleItem().LeaseUid.ShouldBe("y1");
    }

    [Theory]
    [InlineData("", "NoDevices", "no node matches its nodeSelector")]
    [InlineData("Q", "AllQuarantined", "proven that its last holder is gone")]
    [InlineData("GQ", "WaitingForSlot", "2 slots could hold it: 1 are held, 1 are in quarantine")]
    public void Whoever_waits_is_told_why(string slots, string code, string message)
    {
        var result = Decide(slots.Length == 0 ? [] : [Device("a", slots)], [Group("x", null, ("1", 1))]);
        Reason(result).Item1.ShouldBe(code);
        Reason(result).Item2.ShouldContain(message);
    }

    [Fact]
    public void A_round_that_ends_early_says_that_there_is_more_to_do()
    {
        var devices = Enumerable.Range(0, 5).Select(i => Device($"d{i}")).ToList();
        Decide(devices, [Group("x", null, ("1", 1), ("2", 2), ("3", 3))], most: 2).IsCut.ShouldBeTrue();
        Decide(devices, [Group("x", null, ("1", 1)) with { HasMore = true }]).IsCut.ShouldBeTrue();
        Decide(devices, [Group("x", null, ("1", 1), ("2", 2), ("3", 3))]).IsCut.ShouldBeFalse();
    }

    [Fact]
    public void The_same_snapshot_is_decided_the_same_way_in_whatever_order_it_was_read()
    {
        var random = new Random(7);
        var groups = Enumerable.Range(0, 6).Select(g => Group(
            $"t{g % 3}", new DeviceNeed(g * 1_000, 0, 0),
                [.. Enumerable.Range(0, 5).Select(i => ($"{g}-{i}", random.Next(100))).OrderBy(x => x.Item2)])).ToList();
        var devices = Enumerable.Range(0, 7).Select(i => Device($"d{i}", "FG", new DeviceTraits(i * 2_000, 0, 0))).ToList();
        var first = Granted(Decide(devices, groups));
        for (var i = 0; i < 20; i++)
        {
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(groups));
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(devices));
            Granted(Decide(devices, groups)).ShouldBe(first);
        }
    }
}
