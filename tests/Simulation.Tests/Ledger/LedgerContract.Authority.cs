using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Authority;
using Framelease.Operator.Ledger;
using Framelease.Operator.Pools;
using Framelease.Operator.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>The contract of a change of authority (R12): what a ledger that was set back takes over, and what frees its slots.</summary>
public abstract partial class LedgerContract
{
    [Fact]
    public async Task A_change_of_authority_fences_leaders_and_holders_and_every_token_goes_on_above_the_floor()
    {
        var fence = await RunningAsync();
        var left = await TakeAsync(new AuthorityWitness(null, [new SeenGrant("node-1", "sw-9", 0, 41)], []));
        left.Floor.ShouldBeGreaterThanOrEqualTo(41 + AuthorityTakeOver.Step);
        left.Position.ShouldBe(await _authority.LastEventAsync(Ct));
        await Should.ThrowAsync<LeadershipLostException>(() => RequestAsync("lease-b"));
        await LeadAsync();
        _epoch.Epoch.ShouldBeGreaterThan(left.Floor);
        (await BeatAsync(fence, 2)).ShouldBeOfType<BeatOutcome.Stale>();
        var slots = await _ledger.ReadAuthoritySlotsAsync(Ct);
        slots.Select(s => (s.Slot.Key.Device, s.Slot.State, s.Slot.LeaseUid)).ShouldBe(
            [("sw-0", SlotState.Quarantined, fence.LeaseUid), ("sw-9", SlotState.Quarantined, null)]);
        await LeaseAsync(fence.LeaseUid!, new LeaseCommand.ChangeAuthority("test"));
        await LeaseAsync(fence.LeaseUid!, new LeaseCommand.Free(FreeProof.ContainersTerminated, "terminated"));
        await RequestAsync("lease-b");
        var free = await SlotAsync("sw-0");
        (free.State, free.Token).ShouldBe((SlotState.Free, left.Floor));
        await LeaseAsync("lease-b", new LeaseCommand.Grant(free));
        (await SlotAsync("sw-0")).Token.ShouldBe(left.Floor + 1);

        // Nothing is left to take over; a copy that lacks what the cluster has seen is: above what was seen.
        (await TakeAsync(new AuthorityWitness(left, [], []))).Incarnation.ShouldBe(left.Incarnation);
        var again = await TakeAsync(new AuthorityWitness(left with { Position = left.Position + 99, Floor = left.Floor * 3 }, [], []));
        (again.Incarnation, again.Floor).ShouldBe((left.Incarnation + 1, (left.Floor * 3) + AuthorityTakeOver.Step));
    }

    [Fact]
    public async Task A_lease_that_the_cluster_saw_granted_and_the_log_shows_as_waiting_ends_with_the_take_over_and_is_never_granted_again()
    {
        await DevicesAsync("sw-0");
        foreach (var uid in new[] { "lease-a", "lease-b" })
            await RequestAsync(uid);
        await TakeAsync(new AuthorityWitness(null, [Ahead with { LeaseUid = "lease-a" }, Ahead with { LeaseUid = "unknown" }], []));
        await LeadAsync();
        var ended = (await _ledger.LoadLeaseAsync("lease-a", Ct)).State;
        (ended.Phase, ended.EndReason).ShouldBe((LeasePhase.GaveUp, "HistoryLost"));
        (await _ledger.LoadLeaseAsync("lease-b", Ct)).State.Phase.ShouldBe(LeasePhase.Pending);
        (await _ledger.ReadQueueAsync("default", 10, Ct)).Groups.SelectMany(g => g.Heads).ShouldHaveSingleItem().LeaseUid.ShouldBe("lease-b");
    }

    [Fact]
    public async Task While_a_pod_of_before_the_change_is_left_on_the_node_no_proof_frees_a_slot_there()
    {
        var fence = await RunningAsync();
        await TakeAsync(new AuthorityWitness(null, [Ahead], [new SeenPod("pod-x", "default/x", "node-1")]));
        await LeadAsync();
        await LeaseAsync(fence.LeaseUid!, new LeaseCommand.ChangeAuthority("test"));
        await LeaseAsync(fence.LeaseUid!, new LeaseCommand.Free(FreeProof.ContainersTerminated, "terminated"));
        (await SlotAsync("sw-0")).ShouldSatisfyAllConditions(s => s.State.ShouldBe(SlotState.Quarantined), s => s.LeaseUid.ShouldBeNull());
        (await _ledger.ReadAuthorityPodsAsync(Ct)).ShouldHaveSingleItem().Uid.ShouldBe("pod-x");
        await _ledger.ForgetAuthorityPodsAsync(["pod-x"], _epoch, Ct);
        await _ledger.ReturnSlotAsync(await SlotAsync("sw-0"), "PodsAccounted", "test", "operator", _epoch, Ct);
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Free);
    }

    [Theory]
    [InlineData(nameof(FreeProof.PodsAccounted), false)]
    [InlineData(nameof(FreeProof.ContainersTerminated), false)]
    [InlineData(nameof(FreeProof.NodeAgent), false)]
    [InlineData(nameof(FreeProof.NodeOutOfService), true)]
    [InlineData(nameof(FreeProof.Person), true)]
    public async Task A_slot_that_a_holder_of_the_lost_history_shows_is_freed_by_what_tells_of_that_holder_alone(string proof, bool frees)
    {
        var fence = await RunningAsync();
        await TakeAsync(new AuthorityWitness(null, [Ahead], []) { Holders = [Lost("lease-lost", "sw-0"), Lost("lease-other", "sw-7")] });
        await LeadAsync();
        await LeaseAsync(fence.LeaseUid!, new LeaseCommand.ChangeAuthority("test"));
        await LeaseAsync(fence.LeaseUid!, new LeaseCommand.Free(Enum.Parse<FreeProof>(proof), "test", Token: 1));
        (await SlotAsync("sw-0")).State.ShouldBe(frees ? SlotState.Free : SlotState.Quarantined);
        (await _ledger.ReadAuthorityHoldersAsync(Ct)).Select(h => h.LeaseUid).ShouldBe(frees ? ["lease-other"] : ["lease-lost", "lease-other"]);
        if (frees)
            return;
        await _ledger.EndAuthorityHoldersAsync(["lease-lost"], "said so", null, Ct);
        await _ledger.EndAuthorityHoldersAsync(["lease-lost"], "said so again", _epoch, Ct);
        (await _ledger.ReadAuthorityHoldersAsync(Ct))[0].Ended.ShouldBe("said so");
        await _ledger.ReturnSlotAsync(await SlotAsync("sw-0"), "PodsAccounted", "test", "operator", _epoch, Ct);
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Free);
        (await _ledger.ReadAuthorityHoldersAsync(Ct)).ShouldHaveSingleItem().LeaseUid.ShouldBe("lease-other");
    }

    [Fact]
    public async Task That_nobody_attached_says_nothing_after_a_change_and_an_agents_look_ends_the_doubt_about_the_leases_own_holder()
    {
        await DevicesAsync("sw-0", "sw-1");
        foreach (var (uid, device) in new[] { ("lease-a", "sw-0"), ("lease-b", "sw-1") })
        {
            await RequestAsync(uid);
            await LeaseAsync(uid, new LeaseCommand.Grant(await SlotAsync(device)));
        }

        await LeaseAsync("lease-b", new LeaseCommand.Attach("holder-b", "node-1", 1, "boot-1", new HolderProcess(7, 1, 1, 1)));
        // The status of the one shows its grant; that of the other got lost, and the log knows who attached.
        await TakeAsync(new AuthorityWitness(null, [Ahead], [])
        {
            Holders = [Lost("lease-a", "sw-0"), new SeenHolder("lease-b", "default/b", null, null), new SeenHolder("lease-c", "default/c", null, null)],
        });
        await LeadAsync();
        (await _ledger.ReadAuthorityHoldersAsync(Ct)).Select(h => (h.LeaseUid, h.Device, h.BootId)).ShouldBe(
            [("lease-a", "sw-0", "boot-1"), ("lease-b", "sw-1", null)]);
        await LeaseAsync("lease-a", new LeaseCommand.Expire(ExpiryCause.StartDeadline, "test"));
        await LeaseAsync("lease-a", new LeaseCommand.Free(FreeProof.NeverAttached, "nobody attached"));
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Quarantined);
        await LeaseAsync("lease-b", new LeaseCommand.ChangeAuthority("test"));
        await LeaseAsync("lease-b", new LeaseCommand.Free(FreeProof.NodeAgent, "looked twice", Token: 1));
        (await SlotAsync("sw-1")).State.ShouldBe(SlotState.Free);
        (await _ledger.ReadAuthorityHoldersAsync(Ct)).ShouldHaveSingleItem().LeaseUid.ShouldBe("lease-a");
    }

    /// <summary>More than the log holds: what makes a take-over.</summary>
    static readonly SeenGrant Ahead = new("node-1", "sw-9", 0, 41);

    static SeenHolder Lost(string uid, string device) => new(uid, $"default/{uid}", new SeenGrant("node-1", device, 0, 1), "boot-1");

    Task<SeenAuthority> TakeAsync(AuthorityWitness witness) =>
        new AuthorityTakeOver(_authority, new ClusterIdentity("cluster"), NullLogger.Instance).EnsureAsync(witness, Ct);

    async Task LeadAsync() => _epoch = (await _epochs.TryAcquireAsync("controllers", "a", Ttl, Ct))!;
}
