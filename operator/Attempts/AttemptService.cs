using Framelease.Domain;
using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Attempts;

/// <summary>
/// Loads both streams of an attempt, lets <see cref="AttemptPlan"/> decide, commits, and decides anew when somebody was faster. Safe to run on every
/// replica at once: each commit is guarded by the versions that were loaded and by the slot's row.
/// </summary>
sealed class AttemptService(ILedger ledger, Random chance, AttemptSignals signals)
{
    const int MaxTries = 8;

    public Task<AttemptPlan> AttachAsync(AttemptFence fence, string node, string workerVersion, string actor, CancellationToken cancel,
        string? bootId = null, string? deviceUuid = null) =>
        TransactAsync(
            fence, actor, null, (task, lease) => AttemptPlan.Attach(task, lease, fence, node, workerVersion, bootId, deviceUuid), cancel);

    /// <summary>The worker was given a device that another lease works on.</summary>
    public Task<AttemptPlan> DeviceConflictAsync(
        AttemptFence fence, string message, DeviceLook look, string actor, CancellationToken cancel) =>
        TransactAsync(
            fence, actor, null, (task, lease) => AttemptPlan.DeviceConflict(task, lease, fence, message, Delay(task, fence)), cancel,
            look: look);

    /// <param name="look">How the worker found its device; decided on in the same transaction.</param>
    public Task<AttemptPlan> CompleteAsync(
        AttemptFence fence, SceneResult result, string actor, CancellationToken cancel, DeviceLook? look = null) =>
        TransactAsync(fence, actor, null, (task, lease) => AttemptPlan.Complete(task, lease, fence, result), cancel, look: look);

    /// <param name="look">How the worker found its device; decided on in the same transaction.</param>
    public Task<AttemptPlan> FailAsync(
        AttemptFence fence, AttemptFailed failure, string actor, CancellationToken cancel, DeviceLook? look = null) =>
        TransactAsync(
            fence, actor, null, (task, lease) => AttemptPlan.Fail(task, lease, fence, failure, Delay(task, fence)), cancel, look: look);

    /// <summary>The worker found its device dirty before it began.</summary>
    public Task<AttemptPlan> DeviceDirtyAsync(
        AttemptFence fence, string message, DeviceLook look, string actor, CancellationToken cancel) =>
        TransactAsync(
            fence, actor, null, (task, lease) => AttemptPlan.DeviceDirty(task, lease, fence, message, Delay(task, fence)), cancel,
            look: look);

    public Task<AttemptPlan> PodEndedAsync(AttemptFence fence, PodEnd end, LeaderEpoch epoch, CancellationToken cancel) =>
        TransactAsync(fence, "operator", epoch, (task, lease) => AttemptPlan.PodEnded(task, lease, fence, end, Delay(task, fence)), cancel);

    /// <param name="silence">What was seen standing still; a beat that came since makes this change nothing. Null where no beat could have come.</param>
    public async Task<AttemptPlan> ExpireAsync(
        AttemptFence fence, ExpiryCause cause, string message, SilenceSeen? silence, LeaderEpoch epoch, CancellationToken cancel)
    {
        try
        {
            return await TransactAsync(
                fence, "operator", epoch, (task, lease) => AttemptPlan.Expire(task, lease, fence, cause, message, Delay(task, fence)), cancel, silence);
        }
        catch (SilenceBrokenException)
        {
            return new AttemptPlan([], []);
        }
    }

    /// <param name="grade">From PostgreSQL's clock at the load, and what was seen beside the log.</param>
    public Task<AttemptPlan> GradeAsync(AttemptFence fence, Func<DateTimeOffset, LeaseCommand.Grade> grade, LeaderEpoch epoch,
        CancellationToken cancel) =>
        TransactAsync(
            fence, "operator", epoch, (task, lease, now) => AttemptPlan.Grade(task, lease!, fence, grade(now), Delay(task, fence)), cancel);

    /// <param name="seconds">Without progress; null when something moved again.</param>
    public Task<AttemptPlan> StallAsync(AttemptFence fence, int? seconds, LeaderEpoch epoch, CancellationToken cancel) =>
        TransactAsync(fence, "operator", epoch, (task, lease) => AttemptPlan.Stall(task, lease!, fence, seconds), cancel);

    public Task<AttemptPlan> NodeLostAsync(AttemptFence fence, string message, FreeProof? proof, LeaderEpoch epoch,
        CancellationToken cancel) =>
        TransactAsync(
            fence, "operator", epoch, (task, lease) => AttemptPlan.NodeLost(task, lease, fence, message, proof, Delay(task, fence)),
                cancel);

    public Task<AttemptPlan> AuthorityChangedAsync(AttemptFence fence, string message, LeaderEpoch epoch, CancellationToken cancel) =>
        TransactAsync(
            fence, "operator", epoch, (task, lease) => AttemptPlan.AuthorityChanged(task, lease, fence, message, Delay(task, fence)),
            cancel);

    /// <summary>On a person's order, on any replica.</summary>
    public Task<AttemptPlan> RevokeAsync(AttemptFence fence, string actor, string reason, CancellationToken cancel) =>
        TransactAsync(fence, actor, null, (task, lease) => AttemptPlan.Revoke(task, lease, fence, actor, reason, Delay(task, fence)),
            cancel);

    /// <summary>Ends or suspends a task, and stops every attempt of it that runs, in one transaction.</summary>
    /// <param name="command">From PostgreSQL's clock at the load; null when the task has ended and only its attempts are to be stopped.</param>
    public async Task<TaskStop> StopAsync(
        string taskUid, Func<DateTimeOffset, TaskCommand?> command, string by, LeaderEpoch epoch, CancellationToken cancel)
    {
        for (var tries = 1; ; tries++)
        {
            var task = await ledger.LoadTaskAsync(taskUid, cancel);
            string[] uids = [.. task.State.Scenes.Values.Where(s => s.IsRunning).Select(s => s.Started!.LeaseUid).OfType<string>()];
            var leases = uids.Zip(await ledger.LoadLeasesAsync(uids, cancel)).ToDictionary(l => l.First, l => l.Second, StringComparer.Ordinal);
            var stop = TaskStop.Decide(
                task.State, leases.ToDictionary(l => l.Key, l => l.Value.State, StringComparer.Ordinal), command(task.DatabaseNow), by);
            if (stop.Refusal is not null || stop.ChangesNothing)
                return stop;
            try
            {
                await ledger.CommitAsync(
                    new LedgerCommit(
                        by, [new TaskChange(taskUid, task, stop.Task)],
                        [.. stop.Leases.Select(l => new LeaseChange(l.Key, leases[l.Key], l.Value))], epoch),
                    cancel);
                signals.Changed(task.State, null);
                foreach (var lease in stop.Leases.Keys.Select(uid => leases[uid].State))
                    signals.Changed(task.State, lease);
                return stop;
            }
            catch (LedgerConflictException) when (tries < MaxTries)
            {
                // Somebody else wrote first: what they wrote decides now.
            }
        }
    }

    /// <summary>Records, once per attempt and kind of write, that a stale holder was refused.</summary>
    public async Task RejectStaleHolderAsync(AttemptFence fence, string write, string actor, CancellationToken cancel)
    {
        if (fence.LeaseUid is null || !signals.FirstRejection(fence.LeaseUid, fence.PodUid, write))
            return;
        await TransactAsync(
            fence, actor, null,
            (_, lease) => lease is null || LeaseDecider.Decide(lease, new LeaseCommand.RejectStaleHolder(fence.PodUid, fence.Token, write))
                is not Domain.Decision<ILeaseEvent>.Events e ? new AttemptPlan([], []) : new AttemptPlan([], e.Items),
            cancel);
    }

    Task<AttemptPlan> TransactAsync(
        AttemptFence fence, string actor, LeaderEpoch? epoch, Func<TaskState, LeaseState?, AttemptPlan> decide, CancellationToken cancel,
        SilenceSeen? silence = null, DeviceLook? look = null) =>
        TransactAsync(fence, actor, epoch, (task, lease, _) => decide(task, lease), cancel, silence, look);

    async Task<AttemptPlan> TransactAsync(
        AttemptFence fence, string actor, LeaderEpoch? epoch, Func<TaskState, LeaseState?, DateTimeOffset, AttemptPlan> decide,
        CancellationToken cancel, SilenceSeen? silence = null, DeviceLook? look = null)
    {
        for (var tries = 1; ; tries++)
        {
            var task = await ledger.LoadTaskAsync(fence.TaskUid, cancel);
            var lease = fence.LeaseUid is null ? null : await ledger.LoadLeaseAsync(fence.LeaseUid, cancel);
            var plan = decide(task.State, lease?.State, lease?.DatabaseNow ?? task.DatabaseNow);
            if (plan.Refusal is not null || plan.ChangesNothing)
                return plan;
            var device = await DecideOnDeviceAsync(lease?.State, look, cancel);
            try
            {
                await ledger.CommitAsync(
                    new LedgerCommit(
                        actor,
                        [new TaskChange(fence.TaskUid, task, plan.Task)],
                        lease is null ? [] : [new LeaseChange(fence.LeaseUid!, lease, plan.Lease)],
                        epoch,
                        silence)
                    {
                        Devices = device is null ? [] : [device],
                    },
                    cancel);
                signals.Changed(task.State, lease?.State);
                return device is null ? plan : plan with { Device = device.Events };
            }
            catch (LedgerConflictException) when (tries < MaxTries)
            {
                // Somebody else wrote first: what they wrote decides now.
            }
        }
    }

    async Task<DeviceChange?> DecideOnDeviceAsync(LeaseState? lease, DeviceLook? look, CancellationToken cancel)
    {
        if (AttemptPlan.Probed(lease, look) is not { } probed)
            return null;
        var slot = lease!.Grant!.Slot;
        var health = await ledger.LoadDeviceAsync(slot.Node, slot.Device, cancel);
        return DeviceHealthDecider.Decide(health.State, probed) is Decision<IDeviceEvent>.Events { Items: { Count: > 0 } events }
            ? new DeviceChange(health, events) : null;
    }

    int Delay(TaskState task, AttemptFence fence) =>
        RetryBackoff.Seconds((task.Scenes.GetValueOrDefault(fence.Scene)?.Failures ?? 0) + 1, chance.NextDouble());
}
