using Framelease.Domain.Leasing;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Engine;
using Framelease.Simulation.Tests.World.Lean;
using Framelease.Simulation.Tests.World.Whole;

namespace Framelease.Simulation.Tests.World;

/// <summary>One process of the operator.</summary>
interface IReplica : IDisposable
{
    SimProcess Process { get; }

    LeaseOrders Orders { get; }

    /// <summary>Ends when leadership is lost or something breaks: the process starts over.</summary>
    Task RunAsync();
}

/// <summary>One world of a seed: replicas of the operator, a database, nodes with devices, tasks, and what goes wrong.</summary>
abstract class SimulatedWorld : IDisposable
{
    public const string Pool = "default";
    public const int HeartbeatInterval = 2;
    public const int HeartbeatTimeout = 10;
    public const int StartDeadline = 25;

    /// <summary>Seconds without contact after which a worker stops, in a pool whose slots are freed by time.</summary>
    public const int StopAfter = 6;

    public const int LockDelay = 14;

    /// <summary>Seconds that a mass silence keeps a holder, unless the world is there to show a long one.</summary>
    public const int MassSilence = 20;

    /// <summary>Of so many seeds, one is a world with everything that ships.</summary>
    public const int WholeEvery = 20;

    /// <summary>Of so many seeds, one is a world whose pool detects and tells only; a person ends what it tells of.</summary>
    const int DetectOnlyEvery = 50;

    /// <summary>Of so many whole ones.</summary>
    const int WholeDetectOnlyEvery = 10;

    static readonly TimeSpan PersonLooks = TimeSpan.FromSeconds(15);

    /// <summary>Faults begin and end inside this time; then everything has until the end to come to rest.</summary>
    protected static readonly TimeSpan Trouble = TimeSpan.FromSeconds(150);

    static readonly TimeSpan End = TimeSpan.FromSeconds(1500);

    readonly List<IReplica> _replicas = [];

    /// <param name="outage">Null: what goes wrong is drawn.</param>
    protected SimulatedWorld(int seed, bool isWhole, FaultKind? outage = null)
    {
        Simulation = new Scheduler(seed);
        IsDetectOnly = isWhole ? seed / WholeEvery % WholeDetectOnlyEvery == WholeDetectOnlyEvery - 1
            : seed % DetectOnlyEvery == DetectOnlyEvery - 1;
        Network = new Network(Simulation);
        Server = new DatabaseServer(Simulation);
        Invariants = new Invariants(Simulation, this);
        Server.Database.Appended = Invariants.Recorded;
        Server.Database.Beaten = Invariants.Beaten;
        Server.Database.Led = Invariants.Led;
        Fate = Simulation.Process("fate");
        Nodes = [.. Enumerable.Range(0, outage is null ? 1 + Simulation.Chance.Next(3) : 2).Select(n => $"node-{n}")];
        SlotsPerNode = outage is null ? 1 + Simulation.Chance.Next(2) : 2;
        Plan = outage is { } kind ? FaultPlan.Outage(kind, Nodes) : FaultPlan.Draw(Simulation.Chance, Nodes, Trouble, isWhole);
    }

    public LeaseTerms Terms => new(
        0, StartDeadline, HeartbeatInterval, HeartbeatTimeout, Grades, Plan.HasLockDelay ? new LockDelayTerms(StopAfter, LockDelay) : null,
        DetectOnly: IsDetectOnly ? true : null);

    // Short, so that a world of minutes sees every grade.
    GradeTerms Grades => Plan.IsOutage ? new(0, 0, 0, 60, Plan.DrainGrace) : new(20, 40, 60, 15, Plan.DrainGrace);

    public bool IsDetectOnly { get; }

    public Scheduler Simulation { get; }

    public Network Network { get; }

    public DatabaseServer Server { get; }

    public Invariants Invariants { get; }

    public FaultPlan Plan { get; }

    public IReadOnlyList<string> Nodes { get; }

    public int SlotsPerNode { get; }

    public abstract ICluster Cluster { get; }

    /// <summary>Every task that was applied so far has ended, and nothing of it is left.</summary>
    public abstract bool IsSettled { get; }

    /// <summary>Of the tasks that must come to an end.</summary>
    public abstract IEnumerable<string> TaskUids { get; }

    /// <summary>What happens by itself, and what people do.</summary>
    protected SimProcess Fate { get; }

    public static SimulatedWorld Of(int seed) => seed % WholeEvery == 0 ? new WholeWorld(seed) : new LeanWorld(seed);

    public IReplica AnyReplica() => _replicas[Simulation.Chance.Next(_replicas.Count)];

    public IReplica Replica(string name) => _replicas.First(r => r.Process.Name == name);

    public void Run()
    {
        var chance = Simulation.Chance;
        Populate();
        foreach (var name in FaultPlan.Operators)
            StartReplica(name);
        // In an outage, tasks have two slots, and programs under a lease of their own the two others: even numbers are attached to.
        var within = Plan.IsOutage ? 20_000 : 100_000;
        var tasks = Plan.IsOutage ? 2 : 2 + chance.Next(8);
        for (var i = 0; i < tasks; i++)
        {
            var number = i;
            Fate.PostAfter(TimeSpan.FromMilliseconds(chance.Next(within)), () => AddTask(number));
        }

        for (var i = Plan.IsOutage ? 2 : chance.Next(4); i > 0; i--)
        {
            var number = Plan.IsOutage ? i * 2 : i;
            Fate.PostAfter(TimeSpan.FromMilliseconds(chance.Next(within)), () => AddLease(number));
        }

        Plan.Arm(this, Fate);
        if (IsDetectOnly)
            EndWhatWasDetected();
        var sinceCheck = 0;
        Simulation.AfterStep = () =>
        {
            if (++sinceCheck % 256 == 0)
                Invariants.RowsEqualTheLog();
        };
        // At rest, nothing more can happen but looks; a clock that was set back holds a retry for as long.
        while (Simulation.Elapsed < (Plan.IsOutage ? End * 3 : End) && !(Simulation.Elapsed > Trouble && Invariants.IsAtRest()))
            Simulation.Run(Simulation.Elapsed + TimeSpan.FromSeconds(10));
        Invariants.AtTheEnd();
        Simulation.ThrowIfFailed();
    }

    /// <summary>Faults of what only some worlds have.</summary>
    public virtual void Begin(Fault fault)
    {
    }

    public virtual void Finish(Fault fault)
    {
    }

    public virtual void Dispose()
    {
        foreach (var replica in _replicas)
            replica.Dispose();
    }

    public void RevokeOne()
    {
        var held = Server.Database.Tables.Leases.Where(l => l.Value.IsHeld || l.Value.State == "Pending").Select(l => l.Key).ToList();
        if (held.Count == 0)
            return;
        var uid = held[Simulation.Chance.Next(held.Count)];
        Order(r => r.Orders.RevokeAsync(uid, "user alice", "simulated", CancellationToken.None));
    }

    void EndWhatWasDetected()
    {
        Fate.PostAfter(PersonLooks, EndWhatWasDetected);
        foreach (var uid in Server.Database.Tables.Leases.Where(l => l.Value is { IsHeld: true, IsDetected: true }).Select(l => l.Key).ToList())
            Order(o => o.Orders.RevokeAsync(uid, "user alice", "it was told of", CancellationToken.None));
    }

    public void Crash(string name) => Restart(Replica(name));

    /// <summary>A person orders something through any replica, which may have lost its database or its lead.</summary>
    protected void Order(Func<IReplica, Task> order)
    {
        var replica = AnyReplica();
        _ = replica.Process.Run(async () =>
        {
            try
            {
                await order(replica);
            }
            catch (Exception e) when (
                e is LedgerUnavailableException or LedgerConflictException or LeadershipLostException or OperationCanceledException)
            {
                // She sees an error, and may try again.
            }
        });
    }

    protected abstract IReplica NewReplica(string name);

    /// <summary>What is there before anything happens.</summary>
    protected virtual void Populate()
    {
    }

    protected abstract void AddTask(int number);

    /// <summary>Applied by hand, and never used.</summary>
    protected abstract void AddLease(int number);

    /// <summary>Whatever breaks is the world's end: no program here may end by an exception that it did not foresee.</summary>
    protected async Task GuardAsync(string who, Func<Task> body)
    {
        try
        {
            await body();
        }
        catch (Exception e)
        {
            Simulation.Fail(new InvariantBrokenException($"{who} broke: {e}"));
        }
    }

    // Started by whoever keeps it running: it starts over whenever it ends.
    void StartReplica(string name)
    {
        _replicas.RemoveAll(r => r.Process.Name == name);
        var replica = NewReplica(name);
        _replicas.Add(replica);
        _ = replica.Process.Run(() => GuardAsync(name, async () =>
        {
            try
            {
                await replica.RunAsync();
            }
            catch (LeadershipLostException e)
            {
                Simulation.Say($"{name} ends: {e.Message}");
            }

            replica.Process.Post(() => Restart(replica));
        }));
    }

    void Restart(IReplica replica)
    {
        if (!replica.Process.IsAlive)
            return;
        replica.Process.Kill();
        replica.Dispose();
        Fate.PostAfter(TimeSpan.FromMilliseconds(500 + Simulation.Chance.Next(4000)), () => StartReplica(replica.Process.Name));
    }
}
