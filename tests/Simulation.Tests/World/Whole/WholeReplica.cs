using System.Globalization;
using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Client;
using Framelease.Operator.Attempts;
using Framelease.Operator.Authority;
using Framelease.Operator.Hosting;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Operator.Pools;
using Framelease.Operator.WorkerApi;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.Simulation.Tests.Engine;
using Framelease.Simulation.Tests.Ledger;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>One process of the operator as it ships: the control plane and the handlers of <c>/worker/v1</c>, on simulated ports.</summary>
sealed class WholeReplica : IReplica
{
    static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    const string Namespace = "framelease-system";

    static readonly TimeSpan WordEvery = TimeSpan.FromSeconds(30);

    readonly ControlPlane _plane;
    readonly MemoryKubernetes _kubernetes;
    readonly MemoryAuthority _authority;
    readonly AuthorityTakeOver _takeOver;

    public WholeReplica(WholeWorld world, string name)
    {
        Process = world.Simulation.Process(name);
        var chance = new Random(world.Simulation.Chance.Next());
        var database = new SimWay(world.Network, Process, world.Server);
        var ledger = new MemoryLedger(
            world.Server.Database, database, world.Plan.IsOld(name, world.Simulation.Elapsed) ? OldVersion.Of : null);
        var kubernetes = _kubernetes = new MemoryKubernetes(
            world.Api.Server, new SimApiWay(world.Simulation, world.Network, Process, world.Api));
        _authority = new MemoryAuthority(
            world.Server.Database, new SimWay(world.Network, Process, world.Server, requireAuthority: false));
        _takeOver = new AuthorityTakeOver(_authority, new ClusterIdentity(world.Server.Database.Cluster), NullLogger.Instance);
        var options = new OperatorOptions
        {
            Postgres = "", ObjectRoot = "", Identity = name, MassSilenceSeconds = world.Plan.IsOutage ? MassSilence.DefaultLongestSeconds : SimulatedWorld.MassSilence,
        };
        var signals = new AttemptSignals();
        var attempts = new AttemptService(ledger, chance, signals);
        Orders = new LeaseOrders(ledger, attempts, new LeaseService(ledger, signals), signals);
        Devices = new DeviceOrders(ledger);
        Credential = new AttemptCredential(Key);
        Worker = new WorkerService(
            ledger, attempts, new AssignmentBuilder(ledger, kubernetes, world.Objects, options), kubernetes, world.Objects, Credential,
            NullLogger<WorkerService>.Instance);
        HolderCredential = new HolderCredential(Key);
        Holders = new HolderService(
            ledger, new LeaseService(ledger, signals), signals, kubernetes, HolderCredential, NullLogger<HolderService>.Instance);
        Nodes = new NodeService(ledger, new LeaseService(ledger, signals), NullLogger<NodeService>.Instance);
        _plane = new ControlPlane(
            new ControlPlanePorts(
                kubernetes, ledger, new MemoryEpochs(world.Server.Database, database),
                new MemoryLog(world.Server.Database, database, Process.Clock), world.Objects, new ClusterIdentity("cluster"), attempts,
                signals),
            options, new Edges(Process.Clock, chance, () => IdOf(chance), () => Key), NullLoggerFactory.Instance);
    }

    public SimProcess Process { get; }

    public LeaseOrders Orders { get; }

    public DeviceOrders Devices { get; }

    public WorkerService Worker { get; }

    public AttemptCredential Credential { get; }

    public HolderService Holders { get; }

    public HolderCredential HolderCredential { get; }

    public NodeService Nodes { get; }

    /// <summary>Its database is settled, and it answers calls.</summary>
    public bool IsServing { get; private set; }

    public async Task RunAsync()
    {
        var startUp = new StartUp(Process.Clock, NullLogger.Instance);
        var seen = await startUp.RetryAsync(
            async () => await _takeOver.EnsureAsync(
                await AuthorityWitness.ReadAsync(_kubernetes, Namespace, CancellationToken.None), CancellationToken.None),
            CancellationToken.None);
        IsServing = true;
        await startUp.RetryAsync(() => LeaveWordAsync(seen, CancellationToken.None), CancellationToken.None);
        await _plane.RunAsync((_, stop) => [KeepLeavingWordAsync(seen, stop)], () => { }, CancellationToken.None);
    }

    public void Dispose() => _plane.Dispose();

    async Task KeepLeavingWordAsync(SeenAuthority seen, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(WordEvery, Process.Clock, stop);
            try
            {
                await LeaveWordAsync(seen with { Position = await _authority.LastEventAsync(stop) }, stop);
            }
            catch (Exception e) when (e is LedgerUnavailableException or KubernetesException)
            {
                // In the next round.
            }
        }
    }

    async Task<bool> LeaveWordAsync(SeenAuthority seen, CancellationToken cancel)
    {
        await AuthorityWitness.PublishAsync(_kubernetes, Namespace, seen, cancel);
        return true;
    }

    static Guid IdOf(Random chance) =>
        Guid.Parse(string.Create(CultureInfo.InvariantCulture, $"00000000-0000-4000-9000-{chance.NextInt64(1L << 48):x12}"));
}
