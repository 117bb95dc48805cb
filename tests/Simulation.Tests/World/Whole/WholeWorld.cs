using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Domain.Leasing;
using Framelease.GpuWorker;
using Framelease.GpuWorker.Attempts;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;
using Framelease.Resources;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.WorkerProtocol;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>
/// A world with everything that ships: replicas with stores, controllers, dispatchers, watches and the worker API, and pods that run the worker
/// itself. Simulated are PostgreSQL, the API server, kubelets, the network, the engine, the object store and clocks.
/// </summary>
sealed class WholeWorld : SimulatedWorld
{
    const string Namespace = "default";
    const string Input = "inputs/clip.mp4";

    static int _worlds;

    readonly Kubelets _kubelets;
    readonly string _scratch = Path.Combine(
        Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(),
        string.Create(CultureInfo.InvariantCulture, $"framelease-simulation-{Environment.ProcessId}-{Interlocked.Increment(ref _worlds)}"));

    readonly List<string> _tasks = [];
    int _unapplied;

    public WholeWorld(int seed)
        : base(seed, isWhole: true)
    {
        Api = new ApiMachine(Simulation);
        _kubelets = new Kubelets(Simulation, Api) { StartWorker = StartWorker };
        Objects.Put(Input, 1, "input");
    }

    public ApiMachine Api { get; }

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

    /// <summary>A worker begins to use the device that it was told of.</summary>
    public void Takes(SimPod pod, LeasedDevice device)
    {
        pod.Slot = new SlotKey("cluster", pod.Node, device.Id, device.Slot);
        pod.LeaseUid = Server.Database.Tables.Attempts.Values.First(a => a.Row.PodUid == pod.Uid).Row.LeaseUid;
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
                Cordon(fault.Node);
                break;
        }
    }

    public override void Finish(Fault fault)
    {
        if (fault.Kind is FaultKind.ApiDown)
            Api.Start();
        if (fault.Kind is FaultKind.Drain)
            Cordon(null);
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
            Create(PlatformObjects.Node(node, _kubelets.BootId(node)));
        Create(PlatformObjects.Pool(Terms, SlotsPerNode));
        Create(PlatformObjects.Engine());
        Create(PlatformObjects.Tenant(Namespace));
    }

    protected override void AddTask(int number)
    {
        _unapplied++;
        Apply(PlatformObjects.Task($"task-{number}", Namespace, Input), made =>
        {
            _unapplied--;
            _tasks.Add(made.Uid);
        });
    }

    protected override void AddLease(int number) => Apply(PlatformObjects.Lease($"bare-{number}", Namespace), _ => { });

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

    void DeleteOne<T>()
    {
        var all = Kept<T>();
        if (all.Count == 0 || Api.IsDown)
            return;
        var one = all[Simulation.Chance.Next(all.Count)];
        Simulation.Say($"a person deletes {one.Resource} {one.Name}");
        Api.Server.Delete(one.Resource, one.Namespace, one.Name, null);
    }

    void Cordon(string? node)
    {
        if (Api.IsDown)
        {
            Fate.PostAfter(TimeSpan.FromSeconds(1), () => Cordon(node));
            return;
        }

        Api.Server.Update(ResourceRef.Of<GpuPool>(), null, Pool, null, pool =>
        {
            pool["spec"]!["cordons"] = node is null ? null : new JsonArray(new JsonObject { ["node"] = node, ["drain"] = true });
            return pool;
        });
    }

    void StartWorker(SimPod pod, CancellationToken sigterm)
    {
        var temper = Plan.Temper(Simulation.Chance, Simulation.Elapsed > Trouble);
        var chance = new Random(Simulation.Chance.Next());
        var log = new WorkerLog(TextWriter.Null);
        var options = new WorkerOptions(
            new Uri("http://operator/"), "token", pod.Name, Namespace, pod.Uid, pod.Node, _scratch, TimeSpan.FromSeconds(StartDeadline), null)
        {
            BootId = _kubelets.BootId(pod.Node),
        };
        var worker = new Worker(
            options, "0.1.0", new SimWorkerApi(this, pod), new SimEngine(this, pod, temper), new SimInputs(), new SimOutputs(this, pod), log,
            pod.Process!.Clock, chance);
        _ = pod.Process.Run(() => GuardAsync($"worker {pod.Name}", async () =>
        {
            var code = await worker.RunAsync(sigterm);
            _kubelets.End(pod, code);
        }));
    }
}
