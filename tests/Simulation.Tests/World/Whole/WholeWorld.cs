using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.GpuWorker;
using Framelease.GpuWorker.Attempts;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;
using Framelease.Operator.Pools;
using Framelease.Operator.Status;
using Framelease.Resources;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.Simulation.Tests.Ledger;
using Framelease.WorkerProtocol;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>
/// A world with everything that ships: replicas with stores, controllers, dispatchers, watches and the worker API, pods that run the
/// worker itself, and programs that hold leases without a task. Simulated are PostgreSQL, the API server, kubelets, the network, the engine, the object store and clocks.
/// </summary>
sealed class WholeWorld : SimulatedWorld
{
    const string Namespace = "default";
    const string Input = "inputs/clip.mp4";
    const string RivalPool = "rival";

    static int _worlds;

    readonly Kubelets _kubelets;
    readonly string _scratch = Path.Combine(
        Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(),
        string.Create(CultureInfo.InvariantCulture, $"framelease-simulation-{Environment.ProcessId}-{Interlocked.Increment(ref _worlds)}"));

    readonly List<string> _tasks = [];
    readonly HashSet<string> _dirty = [];
    readonly Dictionary<Fault, MemoryTables> _backups = [];
    int _unapplied;
    string? _cordoned;
    bool _hasRival;

    public WholeWorld(int seed, FaultKind? outage = null)
        : base(seed, isWhole: true, outage)
    {
        Api = new ApiMachine(Simulation);
        ByKubelet = seed / WholeEvery % 4 == 3;
        _kubelets = new Kubelets(Simulation, Network, Api) { StartWorker = StartWorker, Admit = HandOut };
        Objects.Put(Input, 1, "input");
        // As the first start of all left it.
        var database = Server.Database;
        (database.Tables.Owner, database.Tables.Recorded) = (
            database.Cluster, new AuthorityIncarnation(1, database.System, database.Timeline, 0, "first start", database.Now));
    }

    public ApiMachine Api { get; }

    /// <summary>Device plugins offer the devices, and kubelets choose: one card a pod. A bare lease gets none.</summary>
    public bool ByKubelet { get; }

    public MemoryObjects Objects { get; } = new();

    public override ICluster Cluster => _kubelets;

    public override bool IsSettled =>
        _unapplied == 0 && !Api.IsDown && _kubelets.Pods.All(p => p.Terminated is not null)
        && Kept<Pod>().All(p => !p.Finalizers.Contains(ApiGroup.PodFinalizer))
        && Kept<VideoTask>().Concat(Kept<GpuLease>()).All(o => !o.IsBeingDeleted)
        && Kept<VideoTask>().All(t => t.As<VideoTask>().Status?.Phase is "Succeeded" or "Failed");

    /// <summary>One that was deleted before anybody accepted it leaves no trace.</summary>
    public override IEnumerable<string> TaskUids =>
        _tasks.Where(uid => Kept<VideoTask>().Any(t => t.Uid == uid) || Server.Database.Stream($"task-{uid}").Count > 0);

    /// <summary>Programs that start now are of the version before the upgrade.</summary>
    public bool IsOld => Plan.UpgradeAt is { } at && Simulation.Elapsed < at;

    /// <summary>Somebody else's process is on the node's device.</summary>
    public bool IsDirty(string node) => _dirty.Contains(node);

    /// <summary>A worker begins to use the device that it was told of.</summary>
    public void Takes(SimPod pod, LeasedDevice device)
    {
        pod.Slot = new SlotKey("cluster", pod.Node, device.Id, device.Slot);
        pod.LeaseUid ??= Invariants.LeaseOf(pod);
        Invariants.DeviceTaken(pod);
    }

    public override void Begin(Fault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.ApiDown:
                Api.Stop();
                break;
            case FaultKind.Compact:
                Api.Server.Compact();
                break;
            case FaultKind.DeleteTask:
                DeleteOne<VideoTask>();
                break;
            case FaultKind.DeleteLease:
                DeleteOne<GpuLease>();
                break;
            case FaultKind.Drain:
                _cordoned = fault.Node;
                ShapePools();
                break;
            case FaultKind.SecondPool:
                _hasRival = true;
                ShapePools();
                break;
            case FaultKind.DeviceUnfit:
                ShapeDevice(fault.Node, isUnfit: true);
                break;
            case FaultKind.ReturnDevices:
                ReturnDevices();
                break;
            case FaultKind.DeviceDirty:
                _dirty.Add(fault.Node);
                break;
            case FaultKind.SuspendTask:
                ShapeTask("suspend", OneOf<VideoTask>(), true);
                break;
            case FaultKind.CancelTask:
                ShapeTask("cancel", OneOf<VideoTask>(), true);
                break;
            case FaultKind.Restore:
                _backups[fault] = Server.Database.Tables.Copy();
                break;
        }
    }

    public override void Finish(Fault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.ApiDown:
                Api.Start();
                break;
            case FaultKind.Drain:
                _cordoned = null;
                ShapePools();
                break;
            case FaultKind.SecondPool:
                _hasRival = false;
                ShapePools();
                break;
            case FaultKind.DeviceUnfit:
                ShapeDevice(fault.Node, isUnfit: false);
                break;
            case FaultKind.DeviceDirty:
                _dirty.Remove(fault.Node);
                break;
            case FaultKind.SuspendTask:
                foreach (var task in Kept<VideoTask>())
                    ShapeTask("suspend", task, false);
                break;
            case FaultKind.Restore:
                Restore(_backups[fault], fault.IsPromotion);
                break;
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        if (Directory.Exists(_scratch))
            Directory.Delete(_scratch, recursive: true);
    }

    protected override IReplica NewReplica(string name) => new WholeReplica(this, name);

    protected override void Populate()
    {
        foreach (var node in Nodes)
            Create(PlatformObjects.Node(node, _kubelets.BootId(node), SlotsPerNode));
        Create(PlatformObjects.Pool(Terms, SlotsPerNode, ByKubelet));
        Create(PlatformObjects.Engine());
        Create(PlatformObjects.Tenant(Namespace));
        LookAround();
        foreach (var node in Nodes.Where(_ => Plan.HasAgents))
            StartAgent(node);
    }

    protected override void AddTask(int number)
    {
        _unapplied++;
        var scenes = Plan.IsOutage || Simulation.Chance.Next(4) != 0 ? 1 : 2 + Simulation.Chance.Next(2);
        Apply(PlatformObjects.Task($"task-{number}", Namespace, Input, scenes), made =>
        {
            _unapplied--;
            _tasks.Add(made.Uid);
        });
    }

    // Every other one is held by a program; nobody ever attaches to the others.
    protected override void AddLease(int number) => Apply(PlatformObjects.Lease($"bare-{number}", Namespace), made =>
    {
        if (number % 2 == 0)
            Hold(made, number);
    });

    // What Kubernetes shows at this moment, no copy of the log may undo.
    void Restore(MemoryTables copy, bool isPromotion)
    {
        Simulation.Say($"the database is set back to event {copy.Log.Count} of {Server.Database.Tables.Log.Count}");
        Server.Restore(copy, isPromotion);
        Invariants.Restored(
            Kept<VideoTask>().Where(t => LostHistory.Is(t.As<VideoTask>().Status?.Conditions, "Finished")).Select(t => t.Uid),
            Kept<GpuLease>().Where(l => l.As<GpuLease>().Status?.Token is not null).Select(l => l.Uid));
    }

    void Hold(KeptObject lease, int number)
    {
        var seen = Api.Server.Find(lease.Resource, Namespace, lease.Name)?.As<GpuLease>().Status;
        if (seen is not { State: "Granted", Node: { } node })
        {
            if (seen?.State is null or "Pending" && Simulation.Elapsed < Trouble)
                Fate.PostAfter(TimeSpan.FromSeconds(1), () => Hold(lease, number));
            return;
        }

        var program = new SimPod($"program-{number}", $"program-{number}", node, "", 0)
        {
            LeaseUid = lease.Uid, HasStarted = true, Process = Simulation.Process($"program-{number}"),
        };
        _kubelets.Adopt(program);
        var work = Plan.Temper(Simulation.Chance, isOver: true).Work;
        var holder = new SimHolder(this, program, _kubelets.BootId(node), work, new Random(Simulation.Chance.Next()));
        _ = program.Process.Run(() => GuardAsync(program.Name, async () =>
        {
            await holder.RunAsync();
            _kubelets.End(program, 0);
        }));
    }

    void StartAgent(string node)
    {
        var process = Simulation.Process($"agent {node}");
        var chance = new Random(Simulation.Chance.Next());
        _ = process.Run(() => GuardAsync($"agent of {node}", () => new SimAgent(this, _kubelets, node).RunAsync(process, chance)));
    }

    // A person who looks: what no pod's end can prove, they release by hand.
    void LookAround()
    {
        Fate.PostAfter(TimeSpan.FromSeconds(15), LookAround);
        // Nothing takes a degraded device back by itself there.
        if (IsDetectOnly && Simulation.Elapsed > Trouble)
            ReturnDevices();
        foreach (var slot in Server.Database.Tables.Slots.Values.Where(s => s.Slot.State is SlotState.Quarantined).ToList())
        {
            // After a change of authority, every program that was there has to be found gone; whatever else is held, pods tell.
            var tables = Server.Database.Tables;
            var byPods = slot.Reason == "AuthorityChanged"
                ? !tables.AuthorityHolders.Values.Any(h => h.Ended is null && h.IsOn(slot.Key))
                : slot.Slot.LeaseUid is { } uid && tables.Leases[uid].Request.TaskUid is not null;
            if (!byPods && !_kubelets.Pods.Any(p => p is { UsesDevice: true } && p.Slot == slot.Key))
                Order(r => r.Orders.ReleaseByPersonAsync(
                    slot.Key.Node, slot.Key.Device, slot.Key.Slot, "user bob", "looked at it", default));
        }
    }

    // As people do: until it is taken.
    void Apply<T>(T value, Action<KeptObject> done)
        where T : class, IKubernetesObject
    {
        if (Api.IsDown)
            Fate.PostAfter(TimeSpan.FromSeconds(1), () => Apply(value, done));
        else
            done(Create(value));
    }

    KeptObject Create<T>(T value)
        where T : class, IKubernetesObject => Api.Server.Create(ResourceRef.Of<T>(), KubernetesJson.ToNode(value));

    IReadOnlyList<KeptObject> Kept<T>() => Api.Server.List(ResourceRef.Of<T>(), null, LabelMatch.Of(null));

    KeptObject? OneOf<T>() => Kept<T>() is { Count: > 0 } all ? all[Simulation.Chance.Next(all.Count)] : null;

    // As a person does who wants it: until it is taken, or the task is gone.
    void ShapeTask(string field, KeptObject? task, bool value)
    {
        if (task is null || Api.Server.Find(task.Resource, task.Namespace, task.Name)?.Uid != task.Uid)
            return;
        if (Api.IsDown)
        {
            Fate.PostAfter(TimeSpan.FromSeconds(1), () => ShapeTask(field, task, value));
            return;
        }

        Simulation.Say($"a person sets {field} of {task.Name} to {value}");
        Api.Server.Update(task.Resource, task.Namespace, task.Name, null, t =>
        {
            t["spec"]![field] = value;
            return t;
        });
    }

    void DeleteOne<T>()
    {
        if (Api.IsDown || OneOf<T>() is not { } one)
            return;
        Simulation.Say($"a person deletes {one.Resource} {one.Name}");
        Api.Server.Delete(one.Resource, one.Namespace, one.Name, null);
    }

    // Cordons, and another pool that matches the same nodes: their devices then belong to neither (R1). As people want it now.
    void ShapePools()
    {
        if (Api.IsDown)
        {
            Fate.PostAfter(TimeSpan.FromSeconds(1), ShapePools);
            return;
        }

        Api.Server.Update(ResourceRef.Of<GpuPool>(), null, Pool, null, pool =>
        {
            pool["spec"]!["cordons"] =
                _cordoned is null ? null : new JsonArray(new JsonObject { ["node"] = _cordoned, ["drain"] = true });
            return pool;
        });
        if (!_hasRival)
            Api.Server.Delete(ResourceRef.Of<GpuPool>(), null, RivalPool, null);
        else if (Api.Server.Find(ResourceRef.Of<GpuPool>(), null, RivalPool) is null)
            Create(PlatformObjects.Pool(Terms, SlotsPerNode, ByKubelet) with { Metadata = new ObjectMeta { Name = RivalPool } });
    }

    // As its node's agent publishes it, as soon as the API server takes it.
    void ShapeDevice(string node, bool isUnfit)
    {
        if (Api.IsDown)
            Fate.PostAfter(TimeSpan.FromSeconds(1), () => ShapeDevice(node, isUnfit));
        else
            Api.Server.Update(ResourceRef.Of<Node>(), null, node, null, n =>
            {
                n["metadata"]!["annotations"]![ApiGroup.DevicesAnnotation] = PlatformObjects.Devices(node, isUnfit);
                return n;
            });
    }

    void ReturnDevices()
    {
        foreach (var device in Server.Database.Tables.Devices.Values.Select(d => d.Health.Key).ToList())
            Order(r => ReturnAsync(((WholeReplica)r).Devices, device));
    }

    static async Task ReturnAsync(DeviceOrders orders, DeviceKey device)
    {
        try
        {
            await orders.ReturnAsync(device.Node, device.Device, "user alice", "simulated", CancellationToken.None);
        }
        catch (DeviceOrderException)
        {
            // It is back already.
        }
    }

    // A card is a pod's until the pod has ended. Whoever finds none left was let onto the node too early.
    bool HandOut(SimPod pod)
    {
        if (!ByKubelet)
            return true;
        var taken = _kubelets.Pods.Where(p => p.Node == pod.Node && p is { HasStarted: true, IsDeleted: false }).Select(p => p.Card);
        pod.Card = Enumerable.Range(0, SlotsPerNode).Select(i => $"{pod.Node}-card-{i}").Except(taken).FirstOrDefault();
        if (pod.Card is null)
            Invariants.NoCardLeft(pod);
        return pod.Card is not null;
    }

    void StartWorker(SimPod pod, CancellationToken sigterm)
    {
        var temper = Plan.Temper(Simulation.Chance, Simulation.Elapsed > Trouble);
        var chance = new Random(Simulation.Chance.Next());
        var log = new WorkerLog(TextWriter.Null);
        var options = new WorkerOptions(
            new Uri("http://operator/"), "token", pod.Name, Namespace, pod.Uid, pod.Node, _scratch, TimeSpan.FromSeconds(StartDeadline),
            null)
        {
            BootId = _kubelets.BootId(pod.Node),
            ReportsDevices = ByKubelet,
            ShownDevices = pod.Card is { } card ? [card] : [],
        };
        var worker = new Worker(
            options, "0.1.0", new SimWorkerApi(new ReplicaCalls(this, pod.Process!, pod.Node), pod.Uid, IsOld), new SimEngine(this, pod, temper),
            new SimDevices(this, pod.Node), new NoProcesses(), new SimInputs(), new SimOutputs(this, pod), log, pod.Process!.Clock, chance);
        _ = pod.Process.Run(() => GuardAsync($"worker {pod.Name}", async () =>
        {
            var code = await worker.RunAsync(sigterm);
            _kubelets.End(pod, code);
        }));
    }
}
