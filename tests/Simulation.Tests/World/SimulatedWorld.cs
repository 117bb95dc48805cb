using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Engine;

namespace Framelease.Simulation.Tests.World;

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

/// <summary>One world of a seed: replicas of the operator, a database, nodes with devices, tasks, and what goes wrong.</summary>
sealed class SimulatedWorld
{
    public const string Pool = "default";
    public const int HeartbeatInterval = 2;
    public const int HeartbeatTimeout = 10;
    public const int StartDeadline = 25;

    /// <summary>Faults begin and end inside this time; then everything has until the end to come to rest.</summary>
    static readonly TimeSpan Trouble = TimeSpan.FromSeconds(150);
    static readonly TimeSpan End = TimeSpan.FromSeconds(1500);

    readonly List<OperatorReplica> _replicas = [];
    readonly SimProcess _fate;

    public SimulatedWorld(int seed)
    {
        Simulation = new Scheduler(seed);
        Network = new Network(Simulation);
        Server = new DatabaseServer(Simulation);
        Invariants = new Invariants(Simulation, this);
        Server.Database.Appended = Invariants.Recorded;
        Server.Database.Beaten = Invariants.Beaten;
        Server.Database.Led = Invariants.Led;
        _fate = Simulation.Process("fate");
        Cluster = new Cluster(Simulation) { StartWorker = StartWorker };
        Nodes = [.. Enumerable.Range(0, 1 + Simulation.Chance.Next(3)).Select(n => $"node-{n}")];
        SlotsPerNode = 1 + Simulation.Chance.Next(2);
        Plan = FaultPlan.Draw(Simulation.Chance, Nodes, Trouble);
    }

    /// <summary>Seconds without contact after which a worker stops, in a pool whose slots are freed by time.</summary>
    public const int StopAfter = 6;

    /// <summary>Short, so that a world of minutes sees every grade.</summary>
    public LeaseTerms Terms => new(
        0, StartDeadline, HeartbeatInterval, HeartbeatTimeout, new GradeTerms(20, 40, 60, 15, 6),
        Plan.HasLockDelay ? new LockDelayTerms(StopAfter, 14) : null);

    public Scheduler Simulation { get; }

    public Network Network { get; }

    public DatabaseServer Server { get; }

    public Cluster Cluster { get; }

    public Invariants Invariants { get; }

    public FaultPlan Plan { get; }

    public IReadOnlyList<string> Nodes { get; }

    public int SlotsPerNode { get; }

    public List<SimTask> Tasks { get; } = [];

    /// <summary>Leases that somebody applied by hand and never used.</summary>
    public List<string> Bare { get; } = [];

    public LeaseRequested BareRequest(string uid) => new(
        uid, "default", uid, Pool, "by hand", null, 0, 0, Terms with { MaxWaitSeconds = 20 }, new LeaseClaim("globex", 1, 0, 0));

    public IReadOnlyList<SlotSnapshot> Devices() =>
    [
        .. from node in Nodes
           from slot in Enumerable.Range(0, SlotsPerNode)
           select new SlotSnapshot(new SlotKey("cluster", node, $"{node}-gpu", slot), Pool, SlotState.Free, 0, null, "gpu", "Gpu", 0),
    ];

    public OperatorReplica AnyReplica() => _replicas[Simulation.Chance.Next(_replicas.Count)];

    public OperatorReplica Replica(string name) => _replicas.First(r => r.Process.Name == name);

    public void Run()
    {
        var chance = Simulation.Chance;
        foreach (var name in FaultPlan.Operators)
            StartReplica(name);
        var tasks = 2 + chance.Next(8);
        for (var i = 0; i < tasks; i++)
        {
            var task = new SimTask($"task-{i}");
            _fate.PostAfter(TimeSpan.FromMilliseconds(chance.Next(100_000)), () => Tasks.Add(task));
        }

        for (var i = chance.Next(4); i > 0; i--)
        {
            var uid = $"bare-{i}";
            _fate.PostAfter(TimeSpan.FromMilliseconds(chance.Next(100_000)), () => Bare.Add(uid));
        }

        Plan.Arm(this, _fate);
        var sinceCheck = 0;
        Simulation.AfterStep = () =>
        {
            if (++sinceCheck % 256 == 0)
                Invariants.RowsEqualTheLog();
        };
        // At rest, nothing more can happen but looks; a clock that was set back holds a retry for as long.
        while (Simulation.Elapsed < End && !(Simulation.Elapsed > Trouble && Invariants.IsAtRest()))
            Simulation.Run(Simulation.Elapsed + TimeSpan.FromSeconds(10));
        Invariants.AtTheEnd();
        Simulation.ThrowIfFailed();
    }

    /// <summary>Started by whoever keeps it running: it starts over whenever it ends.</summary>
    public void StartReplica(string name)
    {
        _replicas.RemoveAll(r => r.Process.Name == name);
        var replica = new OperatorReplica(this, name);
        _replicas.Add(replica);
        _ = replica.Process.Run(async () =>
        {
            try
            {
                await replica.RunAsync();
            }
            catch (LeadershipLostException e)
            {
                Simulation.Say($"{name} ends: {e.Message}");
            }
            catch (Exception e)
            {
                Simulation.Fail(new InvariantBrokenException($"{name} broke: {e}"));
            }

            replica.Process.Post(() => Restart(replica));
        });
    }

    /// <summary>Through any replica, which may have lost its database or its lead.</summary>
    public void RevokeOne(string name)
    {
        var held = Server.Database.Tables.Leases.Where(l => l.Value.IsHeld || l.Value.State == "Pending").Select(l => l.Key).ToList();
        if (held.Count == 0)
            return;
        var uid = held[Simulation.Chance.Next(held.Count)];
        var replica = Replica(name);
        _ = replica.Process.Run(async () =>
        {
            try
            {
                await replica.Orders.RevokeAsync(uid, "user alice", "simulated", CancellationToken.None);
            }
            catch (Exception e) when (e is LedgerUnavailableException or LedgerConflictException or OperationCanceledException)
            {
                // She sees an error, and may try again.
            }
        });
    }

    public void Crash(string name) => Restart(Replica(name));

    void Restart(OperatorReplica replica)
    {
        if (!replica.Process.IsAlive)
            return;
        replica.Process.Kill();
        _fate.PostAfter(TimeSpan.FromMilliseconds(500 + Simulation.Chance.Next(4000)), () => StartReplica(replica.Process.Name));
    }

    void StartWorker(SimPod pod)
    {
        var worker = new WorkerActor(this, pod, Plan.Temper(Simulation.Chance, Simulation.Elapsed > Trouble));
        _ = pod.Process!.Run(async () =>
        {
            try
            {
                await worker.RunAsync();
            }
            catch (Exception e)
            {
                Simulation.Fail(new InvariantBrokenException($"worker {pod.Name} broke: {e}"));
            }
        });
    }
}
