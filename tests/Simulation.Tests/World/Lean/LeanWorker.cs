using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Engine;

namespace Framelease.Simulation.Tests.World.Lean;

/// <summary>
/// The program in a worker pod: attaches, uses its device, beats, obeys, and reports its end; or does not. It speaks to any operator
/// that answers.
/// </summary>
sealed class LeanWorker(LeanWorld world, SimPod pod, Temper temper)
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(SimulatedWorld.HeartbeatInterval);

    readonly SimProcess _process = pod.Process!;

    public async Task RunAsync()
    {
        if (await AttachAsync() is not { } fence)
        {
            world.Pods.End(pod, "ended without an assignment");
            return;
        }

        world.Invariants.DeviceTaken(pod);
        var started = _process.Clock.GetTimestamp();
        var sequence = 0L;
        var told = false;
        var contact = started;
        while (_process.Clock.GetElapsedTime(started) < temper.Work || temper.IsZombie)
        {
            sequence++;
            var moved = Math.Max(0, (long)(_process.Clock.GetElapsedTime(started) - temper.StandsStill).TotalSeconds);
            var answer = await CallAsync<BeatOutcome>(
                async o => await o.Ledger.BeatAsync(Beat(fence, sequence, moved), CancellationToken.None));
            if (answer is not null)
                contact = _process.Clock.GetTimestamp();
            else if (world.Plan.HasLockDelay && _process.Clock.GetElapsedTime(contact) > TimeSpan.FromSeconds(SimulatedWorld.StopAfter))
                pod.UsesDevice = false;
            if (world.Plan.HasLockDelay && !pod.UsesDevice)
            {
                Stop("without contact");
                return;
            }

            switch (answer)
            {
                case BeatOutcome.Stale when !temper.IsZombie:
                    await CallAsync<string>(async o => await RejectAsync(o, fence, "beat"));
                    Stop("stale");
                    return;
                case BeatOutcome.Stale:
                    await CallAsync<string>(async o => await RejectAsync(o, fence, "beat"));
                    break;
                case BeatOutcome.Taken { Drain: not null } or BeatOutcome.Repeated { Drain: not null } when !temper.IsZombie:
                    told = true;
                    break;
            }

            if (told)
                break;
            await Task.Delay(Interval, _process.Clock);
        }

        pod.UsesDevice = false;
        if (told || temper.Fails)
        {
            var failure = new AttemptFailed(0, fence.Attempt, fence.PodUid, "Engine", told ? "Drained" : "Broken", "", true, null);
            await UntilAnsweredAsync(o => o.Attempts.FailAsync(fence, failure, "worker", CancellationToken.None));
        }
        else
        {
            await UntilAnsweredAsync(o => o.Attempts.CompleteAsync(fence, Result(fence), "worker", CancellationToken.None));
        }

        Stop("done");
    }

    async Task<AttemptFence?> AttachAsync()
    {
        var started = _process.Clock.GetTimestamp();
        while (_process.Clock.GetElapsedTime(started) < TimeSpan.FromSeconds(SimulatedWorld.StartDeadline))
        {
            var answer = await CallAsync<Attach>(async o =>
            {
                if (await o.Ledger.FindAttemptByPodAsync(pod.Uid, CancellationToken.None) is not { } row)
                    return null;
                var fence = AttemptFence.Of(row);
                var plan = await o.Attempts.AttachAsync(fence, pod.Node, "0.1.0", "worker", CancellationToken.None);
                return new Attach(plan.Refusal is null ? fence : null);
            });
            if (answer is not null)
                return answer.Fence;
            await Task.Delay(TimeSpan.FromMilliseconds(200 + world.Simulation.Chance.Next(2000)), _process.Clock);
        }

        return null;
    }

    static async Task<string> RejectAsync(LeanReplica replica, AttemptFence fence, string write)
    {
        await replica.Attempts.RejectStaleHolderAsync(fence, write, "worker", CancellationToken.None);
        return write;
    }

    async Task UntilAnsweredAsync(Func<LeanReplica, Task<AttemptPlan>> call)
    {
        while (await CallAsync<AttemptPlan>(async o => await call(o)) is null)
            await Task.Delay(TimeSpan.FromMilliseconds(200 + world.Simulation.Chance.Next(4000)), _process.Clock);
    }

    // A worker does not tell errors of the operator from a broken way: it tries again.
    async Task<T?> CallAsync<T>(Func<LeanReplica, Task<T?>> call)
        where T : class
    {
        var replica = (LeanReplica)world.AnyReplica();
        try
        {
            return await world.Network.CallAsync(
                _process, replica.Process, replica.Process.Name, pod.Node, () => call(replica), why => new TimeoutException(why),
                CancellationToken.None);
        }
        catch (Exception e) when (
            e is TimeoutException or LedgerUnavailableException or LedgerConflictException or OperationCanceledException)
        {
            return null;
        }
    }

    void Stop(string how)
    {
        pod.UsesDevice = false;
        world.Pods.End(pod, how);
    }

    static Heartbeat Beat(AttemptFence f, long sequence, long moved) => new(
        f.TaskUid, f.Scene, f.Attempt, f.PodUid, f.LeaseUid, f.Token, sequence, "Running", moved, 100, 0, 0, 0, 0, null);

    static SceneResult Result(AttemptFence f) => new(
        $"key-{f.PodUid}", "file:///key", $"sha-{f.PodUid}", 1, "mp4", "h264", 1, 1, 1, null, "sim", "sim", 1, 1, 1);

    sealed record Attach(AttemptFence? Fence);
}
