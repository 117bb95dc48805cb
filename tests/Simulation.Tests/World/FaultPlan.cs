using System.Globalization;
using Framelease.Simulation.Tests.Engine;

namespace Framelease.Simulation.Tests.World;

/// <summary>What goes wrong in a world, and when: drawn from the seed, printed with a failure.</summary>
sealed class FaultPlan
{
    public static readonly string[] Operators = ["operator-a", "operator-b"];

    static readonly TimeSpan UpgradeEvery = TimeSpan.FromSeconds(10);

    static readonly TimeSpan OutageAt = TimeSpan.FromMinutes(1), OutageLength = TimeSpan.FromMinutes(15), OutageWork = TimeSpan.FromMinutes(20);

    readonly List<Fault> _faults = [];

    public int Lost { get; private init; }

    public int Deaf { get; private init; }

    public int Twice { get; private init; }

    public int Zombies { get; private init; }

    public int Still { get; private init; }

    /// <summary>Slots are freed by time, and workers stop without contact; one that never stops is then nobody's promise.</summary>
    public bool HasLockDelay { get; private init; }

    /// <summary>An agent on each node looks whether the holders of quarantined slots are gone.</summary>
    public bool HasAgents { get; private set; }

    /// <summary>Seconds that a holder has who is asked to end; longer than the lock delay, in some pools.</summary>
    public int DrainGrace { get; private set; } = 6;

    public TimeSpan Until { get; private init; }

    /// <summary>When the first replica, and every worker from then on, is of a new version; null = all are from the beginning.</summary>
    public TimeSpan? UpgradeAt { get; private set; }

    /// <summary>One part is away for a quarter of an hour, while all slots are held by who works on for longer; nothing else goes wrong.</summary>
    public bool IsOutage { get; private init; }

    /// <summary>Nothing goes wrong but in workers.</summary>
    public bool IsCalm => (Lost, Deaf, Twice, _faults.Count) == (0, 0, 0, 0);

    public static FaultPlan Draw(Random chance, IReadOnlyList<string> nodes, TimeSpan trouble, bool isWhole)
    {
        // A calm world finds what a wild one hides.
        var wild = chance.Next(4);
        var hasLockDelay = chance.Next(4) == 0;
        var plan = new FaultPlan
        {
            HasLockDelay = hasLockDelay,
            Lost = wild == 0 ? 0 : chance.Next(40),
            Deaf = wild == 0 ? 0 : chance.Next(40),
            Twice = wild == 0 ? 0 : chance.Next(40),
            Zombies = chance.Next(3) == 0 && !hasLockDelay ? chance.Next(300) : 0,
            Still = chance.Next(2) == 0 ? chance.Next(500) : 0,
            Until = trouble,
        };
        var kinds = Enum.GetValues<FaultKind>().Count(k => isWhole || k <= FaultKind.Revoke);
        var count = wild == 0 ? 0 : chance.Next(8);
        for (var i = 0; i < count; i++)
        {
            var at = TimeSpan.FromMilliseconds(chance.Next((int)trouble.TotalMilliseconds * 3 / 4));
            var most = trouble - at;
            var longest = Math.Min(most.TotalMilliseconds, chance.Next(2) == 0 ? 8_000 : 40_000);
            var length = TimeSpan.FromMilliseconds(500 + chance.Next((int)longest));
            plan._faults.Add(new Fault((FaultKind)chance.Next(kinds), at, length,
                Operators[chance.Next(Operators.Length)], nodes[chance.Next(nodes.Count)], chance.Next(-600, 600)));
        }

        plan.HasAgents = isWhole && chance.Next(2) == 0;
        if (isWhole && chance.Next(4) == 0)
            plan.UpgradeAt = TimeSpan.FromMilliseconds(chance.Next((int)trouble.TotalMilliseconds * 3 / 4));
        // Only a long silence shows whether a worker stops by itself before its slot is another's.
        if (isWhole && hasLockDelay && wild != 0)
        {
            foreach (var node in nodes)
            {
                var at = TimeSpan.FromMilliseconds(chance.Next(70_000));
                plan._faults.Add(new Fault(
                    FaultKind.CutNode, at, TimeSpan.FromMilliseconds(40_000 + chance.Next(40_000)), Operators[0], node, 0));
            }

            if (chance.Next(2) == 0)
                plan.DrainGrace = SimulatedWorld.LockDelay * 3;
        }

        return plan;
    }

    /// <param name="kind">DatabaseDown, ApiDown, Pause for all replicas of the operator, or CutNode for all nodes of the pool.</param>
    public static FaultPlan Outage(FaultKind kind, IReadOnlyList<string> nodes)
    {
        var plan = new FaultPlan { IsOutage = true, Until = OutageAt + OutageLength };
        plan._faults.AddRange(kind switch
        {
            FaultKind.Pause => Operators.Select(name => Away(name, "")),
            FaultKind.CutNode => nodes.Select(node => Away(Operators[0], node)),
            _ => [Away(Operators[0], "")],
        });
        return plan;
        Fault Away(string replica, string node) => new(kind, OutageAt, OutageLength, replica, node, 0);
    }

    /// <summary>Replicas are upgraded one after the other, each when the one before is up.</summary>
    public bool IsOld(string replica, TimeSpan at) => at < UpgradeAt + (UpgradeEvery * Array.IndexOf(Operators, replica));

    public Temper Temper(Random chance, bool isOver) => IsOutage ? new(OutageWork, IsZombie: false, TimeSpan.Zero, Fails: false) : new(
        TimeSpan.FromMilliseconds(500 + chance.Next(chance.Next(HasLockDelay ? 2 : 5) == 0 ? 90_000 : 15_000)),
        IsZombie: !isOver && chance.Next(1000) < Zombies,
        StandsStill: !isOver && chance.Next(1000) < Still ? TimeSpan.FromSeconds(chance.Next(120)) : TimeSpan.Zero,
        Fails: !isOver && chance.Next(20) == 0);

    public void Arm(SimulatedWorld world, SimProcess fate)
    {
        (world.Network.Lost, world.Network.Deaf, world.Network.Twice) = (Lost, Deaf, Twice);
        fate.PostAfter(Until, () => (world.Network.Lost, world.Network.Deaf, world.Network.Twice) = (0, 0, 0));
        if (UpgradeAt is { } upgrade)
        {
            foreach (var (name, i) in Operators.Select((name, i) => (name, i)))
                fate.PostAfter(upgrade + (UpgradeEvery * i), () => world.Crash(name));
        }

        foreach (var fault in _faults)
        {
            fate.PostAfter(fault.At, () => Begin(world, fate, fault));
            fate.PostAfter(fault.At + fault.Length, () => End(world, fault));
        }
    }

    public override string ToString()
    {
        var calls = string.Create(CultureInfo.InvariantCulture, $"of 1000 calls {Lost} lost, {Deaf} deaf, {Twice} twice");
        var workers = string.Create(CultureInfo.InvariantCulture, $"of 1000 workers {Zombies} zombies, {Still} still");
        var kind = (HasAgents ? "; agents" : "") + (UpgradeAt is { } at ? Upgrade(at) : "")
            + (HasLockDelay ? $"; lock delay, drain grace {DrainGrace} s" : "");
        return $"{calls}; {workers}{kind}; {string.Join("; ", _faults.OrderBy(f => f.At))}";
    }

    static string Upgrade(TimeSpan at) => string.Create(CultureInfo.InvariantCulture, $"; upgrade at {at.TotalSeconds:0.0} s");

    void Begin(SimulatedWorld world, SimProcess fate, Fault f)
    {
        world.Simulation.Say($"FAULT {f}");
        switch (f.Kind)
        {
            case FaultKind.Crash:
                world.Crash(f.Operator);
                break;
            case FaultKind.Pause:
                var paused = world.Replica(f.Operator).Process;
                paused.Pause();
                fate.PostAfter(f.Length, paused.Continue);
                break;
            case FaultKind.CutToDatabase or FaultKind.CutFromDatabase or FaultKind.CutNode or FaultKind.CutToNode
                or FaultKind.CutToApi or FaultKind.CutFromApi or FaultKind.CutKubelet:
                foreach (var (from, to) in f.Ways())
                    world.Network.Cut(from, to);
                break;
            case FaultKind.ClockJump:
                world.Server.Jump(f.Jump);
                break;
            case FaultKind.DatabaseDown:
                world.Server.Stop();
                break;
            case FaultKind.NodeDies:
                world.Cluster.NodeDies(f.Node);
                break;
            case FaultKind.Drift:
                world.Replica(f.Operator).Process.Clock.Rate = 1 + (f.Seconds / 600.0 * 0.05);
                break;
            case FaultKind.Revoke:
                world.RevokeOne();
                break;
            default:
                world.Begin(f);
                break;
        }
    }

    static void End(SimulatedWorld world, Fault f)
    {
        switch (f.Kind)
        {
            case FaultKind.CutToDatabase or FaultKind.CutFromDatabase or FaultKind.CutNode or FaultKind.CutToNode
                or FaultKind.CutToApi or FaultKind.CutFromApi or FaultKind.CutKubelet:
                foreach (var (from, to) in f.Ways())
                    world.Network.Heal(from, to);
                break;
            case FaultKind.DatabaseDown:
                world.Server.Start();
                break;
            case FaultKind.NodeDies:
                world.Cluster.NodeReturns(f.Node);
                break;
            case > FaultKind.Revoke:
                world.Finish(f);
                break;
        }
    }
}

enum FaultKind
{
    Crash,
    Pause,
    CutToDatabase,
    CutFromDatabase,
    CutNode,
    CutToNode,
    ClockJump,
    DatabaseDown,
    NodeDies,
    Drift,

    /// <summary>A person takes the lease away.</summary>
    Revoke,

    // Below: of what only whole worlds have.
    ApiDown,
    CutToApi,
    CutFromApi,

    /// <summary>The kubelet of a node hears of nothing and reports nothing; its workers reach the operators.</summary>
    CutKubelet,

    /// <summary>etcd forgets: whoever resumes a watch from before has to list again.</summary>
    Compact,

    /// <summary>A person deletes a VideoTask.</summary>
    DeleteTask,

    /// <summary>A person deletes a GpuLease.</summary>
    DeleteLease,

    /// <summary>A person drains a node's devices by the pool's spec.</summary>
    Drain,

    /// <summary>A pool that matches the nodes of the other.</summary>
    SecondPool,

    /// <summary>A node's agent calls its device degraded.</summary>
    DeviceUnfit,

    /// <summary>A person takes back whatever device is degraded.</summary>
    ReturnDevices,

    /// <summary>Somebody else's process is on a node's device.</summary>
    DeviceDirty,

    /// <summary>The database is set back to how it was when this fault began: a dump restored, or a standby promoted that lagged.</summary>
    Restore,

    /// <summary>A person suspends a VideoTask, and resumes it.</summary>
    SuspendTask,

    /// <summary>A person cancels a VideoTask by its spec.</summary>
    CancelTask,
}

sealed record Fault(FaultKind Kind, TimeSpan At, TimeSpan Length, string Operator, string Node, int Seconds)
{
    /// <summary>Every other one lies around what R3 tolerates.</summary>
    public TimeSpan Jump => TimeSpan.FromSeconds(Seconds % 2 == 0 ? Seconds : Seconds / 75.0);

    public bool IsPromotion => Seconds % 2 == 0;

    string Where => Kind switch
    {
        FaultKind.CutNode or FaultKind.CutToNode or FaultKind.NodeDies or FaultKind.Drain or FaultKind.CutKubelet
            or FaultKind.DeviceUnfit or FaultKind.DeviceDirty => Node,
        FaultKind.Restore => IsPromotion ? "by promotion" : "of a dump",
        FaultKind.ClockJump => string.Create(CultureInfo.InvariantCulture, $"{Jump.TotalSeconds:0.0} s"),
        _ => Operator,
    };

    /// <summary>The ways that a partition closes, from and to.</summary>
    public IEnumerable<(string From, string To)> Ways() => Kind switch
    {
        FaultKind.CutToDatabase => [(Operator, DatabaseServer.Address)],
        FaultKind.CutFromDatabase => [(DatabaseServer.Address, Operator)],
        FaultKind.CutToApi => [(Operator, Whole.ApiMachine.Address)],
        FaultKind.CutFromApi => [(Whole.ApiMachine.Address, Operator)],
        FaultKind.CutKubelet => [(Node, Whole.ApiMachine.Address)],
        FaultKind.CutNode => FaultPlan.Operators.Append(Whole.ApiMachine.Address).Select(name => (Node, name)),
        FaultKind.CutToNode => FaultPlan.Operators.Select(name => (name, Node)),
        _ => [],
    };

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{At.TotalSeconds:0.0} s {Kind} {Where} for {Length.TotalSeconds:0.0} s");
}
