using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Leadership;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Operator.Tenants;
using Framelease.Resources;

namespace Framelease.Operator.Pools;

/// <summary>Makes a pool's slots known, asks the holders of drained devices to end, and shows who holds what.</summary>
sealed class GpuPoolReconciler(
    ILedger ledger, LeaseService leases, IKubernetesClient kubernetes, PlatformStores stores, DispatcherSet dispatchers,
        ClusterIdentity cluster,
    Leader leader, DeviceService devices, DraInventory dra) : IReconciler
{
    static readonly TimeSpan Refresh = TimeSpan.FromSeconds(30);

    /// <summary>Until watches that were just begun are filled.</summary>
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    /// <summary>Behind a moment by the database's clock, so that one look is enough.</summary>
    static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(200);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (stores.Pools.Find(key) is not { } pool || pool.Metadata.DeletionTimestamp is not null)
            return ReconcileResult.Done;
        var name = pool.Metadata.Name!;
        var (pools, nodes) = (stores.Pools.List(), stores.Nodes.List());
        var sight = DeviceDiscovery.NeedsSight(pool, pools, nodes) ? await dra.LookAsync(cancel) : DraSight.Nothing;
        if (sight is null)
            return ReconcileResult.After(Soon);
        var found = await DraAsync(
            pool, DeviceDiscovery.Of(pool, pools, nodes, cluster.Uid, await HeldAsync(pool, cancel), sight), sight, cancel);
        await ledger.SyncDevicesAsync(name, found.Slots, leader.Epoch, cancel);
        var health = await devices.KeepAsync(found, pool.Spec, leader.Epoch, cancel);
        dispatchers.Wake(name);
        var snapshot = await ledger.ReadPoolAsync(name, cancel);
        foreach (var slot in snapshot.Slots.Where(s => s.State is SlotState.Granted))
        {
            if (DeviceDiscovery.DrainOf(pool, slot) is { } drain)
                await DrainAsync(slot, drain, cancel);
        }

        await WriteStatusAsync(pool, found.Problems, snapshot, health, cancel);
        return ReconcileResult.After(health.NextProbation < Refresh ? health.NextProbation.Value + Margin : Refresh);
    }

    // Without its DeviceClass no claim is served: who holds a slot keeps it, and nobody gets a new one.
    async Task<DeviceDiscovery.Found> DraAsync(GpuPool pool, DeviceDiscovery.Found found, DraSight sight, CancellationToken cancel)
    {
        if (pool.Spec.Binding is not PoolBinding.DRA)
            return found;
        if (sight.Problem is { } blind)
            return found with { Problems = [blind, .. found.Problems] };
        return await dra.ClassProblemAsync(pool.Spec, cancel) is { } problem
            ? found with { Slots = [], Problems = [problem, .. found.Problems] } : found;
    }

    // A cluster that hands out devices counts those in use: which slots are left depends on them.
    async Task<IReadOnlyList<SlotSnapshot>> HeldAsync(GpuPool pool, CancellationToken cancel) =>
        pool.Spec.Binding is PoolBinding.DevicePlugin or PoolBinding.DRA
        ? [.. (await ledger.ReadPoolAsync(pool.Metadata.Name!, cancel)).Slots.Where(s => s.State is not SlotState.Free)] : [];

    // Whoever attached is asked, and made to after the grace (GradeWatch); a grant to which nobody attached is simply taken back.
    async Task DrainAsync(SlotSnapshot slot, DeviceCordon cordon, CancellationToken cancel)
    {
        var why = $"{slot.Key.Node}/{slot.Key.Device} is drained{(cordon.Reason is { } reason ? $": {reason}" : " by spec.cordons")}";
        await leases.ChangeAsync(
            slot.LeaseUid!, "operator", leader.Epoch,
            lease => lease.State is { IsGranted: true, Attachment: null }
                ? [new LeaseCommand.Revoke("drain", why), LeaseSteps.UnattachedProof(lease.State)]
                : [new LeaseCommand.Drain(DrainCause.DeviceDrained, why)],
            cancel);
    }

    async Task WriteStatusAsync(GpuPool pool, IReadOnlyList<string> problems, PoolSnapshot snapshot, PoolHealth health,
        CancellationToken cancel)
    {
        var terms = DeviceService.TermsOf(pool.Spec);
        var shown = PoolStatusView.Shown(snapshot.Slots, s => HealthOf(s, health));
        var holders = shown.Select(s => s.LeaseUid).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var names = stores.Leases.List().Where(l => holders.Contains(l.Metadata.Uid!)).ToDictionary(
            l => l.Metadata.Uid!, l => $"{l.Metadata.Namespace}/{l.Metadata.Name}", StringComparer.Ordinal);
        var status = new GpuPoolStatus
        {
            ObservedGeneration = pool.Metadata.Generation,
            Conditions = Conditions(pool, problems, snapshot),
            Slots = snapshot.Slots.Count,
            FreeSlots = snapshot.Slots.Count(s => s is { State: SlotState.Free, Traits.OutOfService: null }),
            QuarantinedSlots = snapshot.Slots.Count(s => s is { State: SlotState.Quarantined, IsReleasing: false }),
            DegradedDevices = Devices(snapshot, health, DeviceFitness.Degraded),
            DevicesOnProbation = Devices(snapshot, health, DeviceFitness.Probation),
            SlotsOutOfService = snapshot.Slots.Count(s => s.Traits.OutOfService is not null),
            OvertakingSeconds = QueueOrder.OvertakingSeconds(0, MostPoints()),
            QueueLength = (int)snapshot.Waiting,
            Devices = [.. shown.Select(s => PoolStatusView.Of(s, names, HealthOf(s, health), terms))],
            SlotsNotListed = snapshot.Slots.Count > shown.Count ? snapshot.Slots.Count - shown.Count : null,
        };
        try
        {
            await kubernetes.PatchStatusAsync(pool, pool with { Status = status }, ct: cancel);
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            // Deleted in between.
        }
    }

    static IReadOnlyList<Condition> Conditions(GpuPool pool, IReadOnlyList<string> problems, PoolSnapshot snapshot)
    {
        var conditions = new ConditionSet(pool.Status?.Conditions, pool.Metadata.Generation, snapshot.DatabaseNow);
        if (problems.Count > 0)
        {
            // A problem that has a reason of its own begins with it.
            var first = problems[0];
            var colon = first.IndexOf(':', StringComparison.Ordinal);
            var reason = first.StartsWith("spec.devices", StringComparison.Ordinal) ? "DevicesNotUsed"
                : colon > 0 && char.IsAsciiLetterUpper(first[0]) && first[..colon].All(char.IsAsciiLetter) ? first[..colon]
                : "DevicesUnreadable";
            conditions.False("Ready", reason, string.Join("; ", problems));
        }
        else if (LeaseTermsPolicy.ComplaintAbout(pool.Spec) is { } complaint)
            conditions.False("Ready", "TermsInvalid", complaint);
        else if (snapshot.Slots.Count == 0)
            conditions.False("Ready", "NoDevices", pool.Spec.Binding switch
            {
                PoolBinding.DevicePlugin =>
                    $"no node that nodeSelector matches has {PluginDevices.ResourceOf(pool.Spec)} in status.allocatable: "
                    + "does its device plugin run?",
                PoolBinding.DRA => $"no ResourceSlice of driver {DraDevices.DriverOf(pool.Spec)} has a device of the pool (spec.driver, "
                    + "spec.deviceAttributes) on a node that nodeSelector matches: does the driver run?",
                _ => "no node matches nodeSelector and publishes devices",
            });
        else
            conditions.True("Ready", "Ready", $"{snapshot.Slots.Count} slots");
        return conditions.ToList();
    }

    static DeviceHealth? HealthOf(SlotSnapshot slot, PoolHealth health) => health.Devices.GetValueOrDefault((slot.Key.Node, slot.Key.Device));

    static int Devices(PoolSnapshot snapshot, PoolHealth health, DeviceFitness fitness) => snapshot.Slots
        .Select(s => (s.Key.Node, s.Key.Device)).Distinct().Count(d => health.Devices.GetValueOrDefault(d)?.Fitness == fitness);

    int MostPoints() => stores.Tenants.List()
        .Select(t => TenantBinding.TierPoints(t) + TenantBinding.MaxBoost(t)).DefaultIfEmpty(0).Max() + LeaseClaim.MostComplexity;
}

/// <summary>UID of the cluster: that of namespace kube-system. Part of every slot's key, so that two clusters never share one by accident.</summary>
sealed record ClusterIdentity(string Uid);
