using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.World.Lean;

/// <summary>A task that somebody applied.</summary>
sealed class SimTask(string uid)
{
    public string Uid => uid;

    /// <summary>Ended, and nothing of it is left.</summary>
    public bool IsSettled { get; set; }

    public TaskAccepted Accepted() => new(
        uid, "default", uid, "acme", "sim", SimulatedWorld.Pool, "hash", new TaskInput("inputs/clip.mp4", null),
        new Dictionary<string, string>(StringComparer.Ordinal), 1, 3, true);

    public LeaseRequested Request(string leaseUid, int attempt, LeaseTerms terms) => new(
        leaseUid, "default", leaseUid, SimulatedWorld.Pool, $"VideoTask default/{uid}", uid, 0, attempt, terms,
        new LeaseClaim("acme", 0, 0, 0));
}

/// <summary>
/// A world without an API server: objects are rows of the world, and what reconcilers and workers do is played by <see cref="LeanReplica"/> and
/// <see cref="LeanWorker"/> with the shipped deciders and services. A hundredth of a whole world's work, and so a hundred times as many.
/// </summary>
sealed class LeanWorld : SimulatedWorld
{
    public LeanWorld(int seed)
        : base(seed, isWhole: false) =>
        Pods = new LeanCluster(Simulation) { StartWorker = StartWorker };

    public LeanCluster Pods { get; }

    public override ICluster Cluster => Pods;

    public List<SimTask> Tasks { get; } = [];

    /// <summary>Leases that somebody applied by hand and never used.</summary>
    public List<string> Bare { get; } = [];

    public override bool IsSettled => Tasks.TrueForAll(t => t.IsSettled);

    public override IEnumerable<string> TaskUids => Tasks.Select(t => t.Uid);

    public LeaseRequested BareRequest(string uid) => new(
        uid, "default", uid, Pool, "by hand", null, 0, 0, Terms with { MaxWaitSeconds = 20 }, new LeaseClaim("globex", 1, 0, 0));

    public IReadOnlyList<SlotSnapshot> Devices() =>
    [
        .. from node in Nodes
           from slot in Enumerable.Range(0, SlotsPerNode)
           select new SlotSnapshot(new SlotKey("cluster", node, $"{node}-gpu", slot), Pool, SlotState.Free, 0, null, "gpu", "Gpu", 0),
    ];

    protected override IReplica NewReplica(string name) => new LeanReplica(this, name);

    protected override void AddTask(int number) => Tasks.Add(new SimTask($"task-{number}"));

    protected override void AddLease(int number) => Bare.Add($"bare-{number}");

    void StartWorker(SimPod pod)
    {
        var worker = new LeanWorker(this, pod, Plan.Temper(Simulation.Chance, Simulation.Elapsed > Trouble));
        _ = pod.Process!.Run(() => GuardAsync($"worker {pod.Name}", worker.RunAsync));
    }
}
