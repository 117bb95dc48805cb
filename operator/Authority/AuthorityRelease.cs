using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Operator.Pods;
using Framelease.Resources;

namespace Framelease.Operator.Authority;

/// <summary>
/// After a change of authority (R12): ends the leases that the copy still shows as granted, and gives slots back one by one. The proof for a node is
/// that every worker pod which the cluster knew at the change has ended or is gone, and that the node is ready. A pod keeps its finalizer until its end
/// is recorded, so that one which is gone was seen to end in the history that was lost; a pod that is created later attaches to nothing.
/// A holder without a pod is known by its GpuLease, which keeps a finalizer as well, and shows slot and token before anybody may attach
/// (<c>HolderService</c>): one that shows a slot at the change keeps that slot, until its node is booted anew or vouched to be switched off, its
/// agent or a person says that it is gone, or it says so itself.
/// Looks at the present, so it may be stopped anywhere.
/// </summary>
sealed class AuthorityRelease(ILedger ledger, AttemptService attempts, AttemptSignals signals, IPodsAndNodes world, TimeProvider time, ILogger logger)
{
    static readonly TimeSpan Busy = TimeSpan.FromSeconds(2);
    static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);

    public async Task RunAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            var left = true;
            try
            {
                left = await LookAsync(epoch, cancel) > 0;
            }
            catch (LedgerUnavailableException e)
            {
                Log.DatabaseUnavailable(logger, e.Message);
            }
            catch (LedgerConflictException)
            {
                // Somebody else moved a slot or a lease: the next look sees it.
            }

            await Task.Delay(left ? Busy : Idle, time, cancel);
        }
    }

    /// <returns>How many slots still wait.</returns>
    public async Task<int> LookAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var slots = await ledger.ReadAuthoritySlotsAsync(cancel);
        if (slots.Count == 0)
            return 0;
        foreach (var held in slots.Where(s => s.Slot.LeaseUid is not null))
            await EndLeaseAsync(held, epoch, cancel);
        var pods = await ledger.ReadAuthorityPodsAsync(cancel);
        var ended = pods.Where(p => world.FindPod(p.Uid) is not { } pod || PodObservation.EndOf(pod) is not null).ToList();
        await ledger.ForgetAuthorityPodsAsync([.. ended.Select(p => p.Uid)], epoch, cancel);
        var holders = await EndHoldersAsync(epoch, cancel);
        var taken = pods.Except(ended).Select(p => p.Node).ToHashSet(StringComparer.Ordinal);
        var left = 0;
        foreach (var held in slots)
        {
            var slot = held.Slot;
            var had = holders.Where(h => h.IsOn(slot.Key)).ToList();
            if (!taken.Contains(slot.Key.Node) && had.TrueForAll(h => h.Ended is not null) && world.IsReady(slot.Key.Node)
                && await FreeAsync(held, had, epoch, cancel))
            {
                Log.SlotFreed(logger, slot.Key.ToString(), nameof(FreeProof.PodsAccounted));
                if (slot.Pool.Length > 0)
                    signals.PoolFreed(slot.Pool);
            }
            else
                left++;
        }

        return left;
    }

    // As they are after it.
    async Task<IReadOnlyList<AuthorityHolder>> EndHoldersAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var holders = await ledger.ReadAuthorityHoldersAsync(cancel);
        var gone = holders.Where(h => h.Ended is null).Select(h => (h.LeaseUid, Why: WhyGone(h))).Where(h => h.Why is not null).ToList();
        if (gone.Count == 0)
            return holders;
        foreach (var node in gone.GroupBy(h => h.Why!, StringComparer.Ordinal))
            await ledger.EndAuthorityHoldersAsync([.. node.Select(h => h.LeaseUid)], node.Key, epoch, cancel);
        return await ledger.ReadAuthorityHoldersAsync(cancel);
    }

    // Whatever ran before the change is gone with the boot that the node was seen in at the change, when it was ready: it had told its kubelet's
    // present boot id then.
    string? WhyGone(AuthorityHolder h)
    {
        if (world.IsOutOfService(h.Node))
            return $"node {h.Node} is vouched to be switched off";
        return h.BootId is { } then && world.BootIdOf(h.Node) is { } now && now != then
            ? $"node {h.Node} was booted anew: boot id {then} at the change, {now} now"
            : null;
    }

    async Task EndLeaseAsync(HeldSlot held, LeaderEpoch epoch, CancellationToken cancel)
    {
        const string why = "the database is another one than the lease was granted on";
        if (held.Attempt is { } attempt)
        {
            await attempts.AuthorityChangedAsync(AttemptFence.Of(attempt), why, epoch, cancel);
            return;
        }

        var uid = held.Slot.LeaseUid!;
        var lease = await ledger.LoadLeaseAsync(uid, cancel);
        var events = LeaseSteps.Decide(lease.State, new LeaseCommand.ChangeAuthority(why));
        if (events.Count > 0)
            await ledger.CommitAsync(new LedgerCommit("operator", [], [new LeaseChange(uid, lease, events)], epoch), cancel);
    }

    async Task<bool> FreeAsync(HeldSlot held, IReadOnlyList<AuthorityHolder> had, LeaderEpoch epoch, CancellationToken cancel)
    {
        var slot = held.Slot;
        var others = had.Count == 0 ? "no GpuLease showed another holder on the slot"
            : string.Join("; ", had.Select(h => $"the holder of GpuLease {h.Name} (token {h.Token}) is gone: {h.Ended}"));
        var evidence = $"no worker pod of before the change of authority is left on node {slot.Key.Node}, which is ready; {others}";
        if (slot.LeaseUid is null)
        {
            await ledger.ReturnSlotAsync(slot, nameof(FreeProof.PodsAccounted), evidence, "operator", epoch, cancel);
            return true;
        }

        if (held.Attempt is { } attempt)
        {
            var pod = world.FindPod(attempt.PodUid);
            // One that keeps its finalizer says itself how it ended (WorkerPodReconciler). One that has lost it said so in the history that was
            // lost, and nobody asks it again.
            var told = pod is null ? null : PodObservation.EndOf(pod);
            if (pod is not null && (told is null || pod.HasFinalizer(ApiGroup.PodFinalizer)))
                return false;
            var fence = AttemptFence.Of(attempt);
            var end = told ?? new PodEnd(true, null, false, "the pod ended in the part of the history that was lost", evidence)
            {
                Proof = FreeProof.PodsAccounted,
            };
            return (await attempts.PodEndedAsync(fence, end, epoch, cancel)).Refusal is null;
        }

        var lease = await ledger.LoadLeaseAsync(slot.LeaseUid, cancel);
        var events = LeaseSteps.Decide(lease.State, new LeaseCommand.Free(FreeProof.PodsAccounted, evidence));
        if (events.Count == 0)
            return false;
        await ledger.CommitAsync(new LedgerCommit("operator", [], [new LeaseChange(slot.LeaseUid, lease, events)], epoch), cancel);
        return true;
    }
}

/// <summary>What the cluster shows now, as the watches keep it.</summary>
interface IPodsAndNodes
{
    Pod? FindPod(string uid);

    bool IsReady(string node);

    /// <summary>It carries the taint by which a person says that the machine is off.</summary>
    bool IsOutOfService(string node);

    /// <summary>Null when the node is not known, or tells none.</summary>
    string? BootIdOf(string node);
}

sealed class WatchedPodsAndNodes(PlatformStores stores) : IPodsAndNodes
{
    public Pod? FindPod(string uid) => stores.WorkerPods.List().FirstOrDefault(p => p.Metadata.Uid == uid);

    public bool IsReady(string node) => Find(node) is { } found && NodeSight.IsReady(found);

    public bool IsOutOfService(string node) => Find(node) is { } found && NodeSight.IsOutOfService(found);

    public string? BootIdOf(string node) => Find(node)?.Status?.NodeInfo?.BootID is { Length: > 0 } id ? id : null;

    Node? Find(string node) => stores.Nodes.Find(new ObjectKey(null, node));
}

/// <summary>What a node says of itself.</summary>
static class NodeSight
{
    /// <summary>A person's word that the machine is off (R4 d).</summary>
    public const string OutOfService = "node.kubernetes.io/out-of-service";

    public static bool IsReady(Node node) => node.Status?.Conditions?.Any(c => c is { Type: "Ready", Status: "True" }) is true;

    public static bool IsOutOfService(Node node) => node.Spec?.Taints?.Any(t => t.Key == OutOfService) is true;
}
