using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Domain.Tasks;
using Framelease.Operator.Attempts;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Leadership;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Operator.Liveness;
using Framelease.Simulation.Tests.Engine;
using Framelease.Simulation.Tests.Ledger;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Simulation.Tests.World.Lean;

/// <summary>
/// One process of the operator, in a lean world: the shipped leader roles, dispatcher, liveness and grade watch, attempt and lease
/// services. What reconcilers do with objects of the API server is done here on the simulated cluster, by the same deciders and services.
/// </summary>
sealed class LeanReplica : IReplica
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    readonly LeanWorld _world;
    readonly AttemptSignals _signals = new();
    readonly Dispatcher _dispatcher;
    readonly Random _chance;

    public LeanReplica(LeanWorld world, string name)
    {
        _world = world;
        Process = world.Simulation.Process(name);
        _chance = new Random(world.Simulation.Chance.Next());
        var way = new SimWay(world.Network, Process, world.Server);
        Ledger = new MemoryLedger(world.Server.Database, way);
        Epochs = new MemoryEpochs(world.Server.Database, way);
        Attempts = new AttemptService(Ledger, _chance, _signals);
        Leases = new LeaseService(Ledger, _signals);
        Orders = new LeaseOrders(Ledger, Attempts, Leases, _signals);
        _dispatcher = new Dispatcher(
            SimulatedWorld.Pool, Ledger, Leases, () => new Dictionary<string, TenantShare>(StringComparer.Ordinal), _signals, Process.Clock,
            NullLogger.Instance);
        _signals.PoolChanged += _ => _dispatcher.Wake();
    }

    public SimProcess Process { get; }

    public ILedger Ledger { get; }

    public AttemptService Attempts { get; }

    public LeaseService Leases { get; }

    public LeaseOrders Orders { get; }

    IEpochs Epochs { get; }

    public async Task RunAsync()
    {
        var controllers = new LeaderRole(Epochs, "controllers", Process.Name, Process.Clock, NullLogger.Instance).RunAsync(
            async (epoch, stop) =>
            {
                _world.Simulation.Say($"{Process.Name} leads the controllers in epoch {epoch.Epoch}");
                var liveness = new LivenessWatch(
                    Ledger, Attempts, Leases, SimulatedWorld.MassSilence, Process.Clock, NullLogger<LivenessWatch>.Instance);
                await await Task.WhenAny(liveness.RunAsync(epoch, stop), ReconcileAsync(epoch, stop));
            },
            CancellationToken.None);
        var dispatch = new LeaderRole(Epochs, $"dispatch-{SimulatedWorld.Pool}", Process.Name, Process.Clock, NullLogger.Instance).RunAsync(
            _dispatcher.RunAsync, CancellationToken.None);
        await await Task.WhenAny(controllers, dispatch);
    }

    public void Dispose()
    {
        // It holds nothing that outlives its process.
    }

    async Task ReconcileAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                await Ledger.SyncDevicesAsync(SimulatedWorld.Pool, _world.Devices(), epoch, cancel);
                foreach (var task in _world.Tasks.ToList())
                    await TaskAsync(task, epoch, cancel);
                foreach (var uid in _world.Bare.ToList())
                    await BareAsync(uid, epoch, cancel);
                foreach (var pod in _world.Cluster.Pods.Where(p => p is { Terminated: not null, EndIsRecorded: false }).ToList())
                    await PodAsync(pod, epoch, cancel);
            }
            catch (Exception e) when (e is LedgerConflictException or LedgerUnavailableException)
            {
                // The next round sees it.
            }

            await Task.Delay(Period, Process.Clock, cancel);
        }
    }

    async Task BareAsync(string uid, LeaderEpoch epoch, CancellationToken cancel)
    {
        var lease = await Leases.ChangeAsync(
            uid, "operator", epoch, l => [l.State.Phase is LeasePhase.None ? new LeaseCommand.Request(_world.BareRequest(uid)) : null],
            cancel);
        if (lease.Before.Phase is not LeasePhase.None)
            _world.Bare.Remove(uid);
    }

    async Task TaskAsync(SimTask task, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (task.IsSettled)
            return;
        var loaded = await Ledger.LoadTaskAsync(task.Uid, cancel);
        if (loaded.State.Phase is TaskPhase.None)
        {
            await RecordAsync(loaded, task.Uid, new TaskCommand.Accept(task.Accepted()), epoch, cancel);
            return;
        }

        foreach (var pod in _world.Cluster.Pods.Where(
            p => p.TaskUid == task.Uid && !p.IsDeleted && p.Terminated is null && loaded.State.Ended.ContainsKey((0, p.Attempt))))
            _world.Pods.Delete(pod);
        if (loaded.State.IsEnded)
        {
            task.IsSettled = _world.Cluster.Pods.All(p => p.TaskUid != task.Uid || p.EndIsRecorded);
            return;
        }

        var scene = loaded.State.Scenes.Values.First();
        if (scene.Step is SceneStep.Queued && scene.NotBefore <= loaded.DatabaseNow)
            await StartAsync(task, loaded, scene, epoch, cancel);
    }

    async Task StartAsync(SimTask task, Loaded<TaskState> loaded, SceneState scene, LeaderEpoch epoch, CancellationToken cancel)
    {
        var leaseUid = $"{task.Uid}-{scene.Attempt}";
        var lease = await Ledger.LoadLeaseAsync(leaseUid, cancel);
        switch (lease.State.Phase)
        {
            case LeasePhase.None:
                var request = task.Request(leaseUid, scene.Attempt, _world.Terms);
                await Leases.ChangeAsync(leaseUid, "operator", epoch, _ => [new LeaseCommand.Request(request)], cancel);
                break;
            case LeasePhase.Pending:
                break;
            case LeasePhase.Granted or LeasePhase.Draining:
                var grant = lease.State.Grant!;
                var pod = _world.Pods.EnsurePod(leaseUid, grant.Slot.Node, task.Uid, scene.Attempt, leaseUid, grant.Slot);
                var started = new AttemptStarted(
                    0, scene.Attempt, pod.Name, pod.Uid, leaseUid, grant.Token, grant.Slot.Node, grant.Slot.Device)
                {
                    HeartbeatTimeoutSeconds = grant.Terms.HeartbeatTimeoutSeconds,
                };
                await RecordAsync(loaded, task.Uid, new TaskCommand.Start(started), epoch, cancel);
                break;
            default:
                var backoff = RetryBackoff.Seconds(scene.Returns + 1, _chance.NextDouble());
                var returned = new TaskCommand.Return(0, scene.Attempt, null, "its lease ended before the pod", backoff);
                await RecordAsync(loaded, task.Uid, returned, epoch, cancel);
                break;
        }
    }

    async Task PodAsync(SimPod pod, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (await Ledger.FindAttemptByPodAsync(pod.Uid, cancel) is not { } row)
        {
            // Ended before its start was on record: the task's round records the start first, unless the attempt is over.
            var task = await Ledger.LoadTaskAsync(pod.TaskUid, cancel);
            pod.EndIsRecorded = task.State.IsEnded || task.State.Scenes.Values.First().Attempt != pod.Attempt;
            return;
        }

        var end = new PodEnd(
            pod.HasStarted, pod.HasStarted ? 1 : null, false, $"the worker {pod.Terminated}", $"pod {pod.Uid}: terminated");
        var plan = await Attempts.PodEndedAsync(AttemptFence.Of(row), end, epoch, cancel);
        pod.EndIsRecorded = plan.Refusal is null;
    }

    async Task RecordAsync(Loaded<TaskState> loaded, string uid, TaskCommand command, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (TaskDecider.Decide(loaded.State, command) is Decision<ITaskEvent>.Events { Items.Count: > 0 } events)
            await Ledger.CommitAsync(new LedgerCommit("operator", [new TaskChange(uid, loaded, events.Items)], [], epoch), cancel);
    }
}
