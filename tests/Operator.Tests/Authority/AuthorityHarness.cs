using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.EventStore;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Authority;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Pools;
using Framelease.Resources;
using Microsoft.Extensions.Logging.Abstractions;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

namespace Framelease.Operator.Tests.Authority;

/// <summary>What an operator is on one database: it may start, lead, grant and take beats, as the real one does.</summary>
sealed class AuthorityHarness(string connectionString, string cluster = "cluster") : IAsyncDisposable
{
    static readonly CancellationToken Ct = CancellationToken.None;
    readonly ClusterIdentity _cluster = new(cluster);
    readonly List<PostgresEventStore> _stores = [];
    readonly AttemptSignals _signals = new();
    PostgresLedger? _ledger;
    LeaderEpoch? _epoch;

    public PostgresLedger Ledger => _ledger ??= new PostgresLedger(Guarded, Guarded, _cluster);

    public LeaderEpoch Epoch => _epoch!;

    public PostgresEventStore Guarded => field ??= Open(requireAuthority: true);

    public AttemptService Attempts => field ??= new(Ledger, new Random(1), _signals);

    public FakeWorld World { get; } = new();

    public AuthorityRelease Release => field ??= new(Ledger, Attempts, _signals, World, TimeProvider.System, NullLogger.Instance);

    public PostgresEventStore Open(bool requireAuthority)
    {
        _stores.Add(new(
            new EventStoreOptions
            {
                ConnectionString = connectionString, NewId = Guid.CreateVersion7, MaxPoolSize = 10, RequireAuthority = requireAuthority,
                Projections = Projections.All,
            },
            EventTypes.Register(new EventRegistry(EventJson.CreateOptions(EventTypesJson.Default))), TimeProvider.System));
        return _stores[^1];
    }

    public async Task<SeenAuthority> StartAsync(AuthorityWitness? witness = null, bool adopt = false)
    {
        var store = Open(requireAuthority: false);
        await store.MigrateAsync(Ct, SchemaScripts.FromAssembly(typeof(PostgresLedger).Assembly, "Framelease.Operator.Sql"),
            Statistics.Schema);
        return await new AuthorityTakeOver(new PostgresAuthority(store, _cluster), _cluster, NullLogger.Instance, adopt).EnsureAsync(witness ?? AuthorityWitness.None, Ct);
    }

    public async Task LeadAsync() =>
        _epoch = (await new PostgresEpochs(Guarded.Epochs, _cluster).TryAcquireAsync("controllers", "a", TimeSpan.FromMinutes(5), Ct))!;

    public Task DevicesAsync(params string[] ids) => Ledger.SyncDevicesAsync(
        "default",
        [.. ids.Select(id => new SlotSnapshot(new SlotKey("cluster", "node-1", id, 0), "default", SlotState.Free, 0, null, "software slot", "Software", 0))],
        Epoch, Ct);

    public async Task<IReadOnlyList<SlotSnapshot>> SlotsAsync() => (await Ledger.ReadPoolAsync("default", Ct)).Slots;

    public async Task<SlotSnapshot> SlotAsync(string id) => (await SlotsAsync()).Single(s => s.Key.Device == id);

    /// <summary>A task's first attempt, attached if nothing else is said, on the given device.</summary>
    public async Task<AttemptFence> RunAsync(string device, string name, LeaseTerms? terms = null, bool attaches = true)
    {
        var (task, lease, pod) = (Given.TaskUid + name, "lease-" + name, "pod-" + name);
        await TaskAsync(task, new TaskCommand.Accept((TaskAccepted)Given.Accepted()[0] with { TaskUid = task }));
        var token = await GrantAsync(lease, device, task, terms);
        await TaskAsync(task, new TaskCommand.Start(new AttemptStarted(0, 1, "clip-1", pod, lease, token, "node-1", device)
        {
            HeartbeatTimeoutSeconds = (terms ?? Given.Terms).HeartbeatTimeoutSeconds,
        }));
        var fence = new AttemptFence(task, 0, 1, pod, lease, token);
        if (attaches)
            (await Attempts.AttachAsync(fence, "node-1", "0.1.0", "test", Ct)).Refusal.ShouldBeNull();
        return fence;
    }

    /// <returns>The token.</returns>
    public async Task<long> GrantAsync(string lease, string device, string? task = null, LeaseTerms? terms = null)
    {
        await LeaseAsync(
            lease, new LeaseCommand.Request(new LeaseRequested(lease, "default", lease, "default", "test", task, 0, 1,
                terms ?? Given.Terms)));
        for (var tries = 0; tries < 100; tries++)
        {
            var loaded = await Ledger.LoadLeaseAsync(lease, Ct);
            if (loaded.State.Grant is { } granted)
                return granted.Token;
            try
            {
                if (LeaseDecider.Decide(loaded.State, new LeaseCommand.Grant(await SlotAsync(device))) is Decision<ILeaseEvent>.Events e)
                    await Ledger.CommitAsync(new LedgerCommit("test", [], [new LeaseChange(lease, loaded, e.Items)], _epoch), Ct);
            }
            catch (LedgerConflictException)
            {
                // A dispatcher works on this database, too, and was faster.
            }
        }

        throw new InvalidOperationException($"no slot of {device} is free for {lease}");
    }

    public async Task LeaseAsync(string uid, LeaseCommand command)
    {
        var loaded = await Ledger.LoadLeaseAsync(uid, Ct);
        var events = LeaseDecider.Decide(loaded.State, command).ShouldBeOfType<Decision<ILeaseEvent>.Events>().Items;
        await Ledger.CommitAsync(new LedgerCommit("test", [], [new LeaseChange(uid, loaded, events)], _epoch), Ct);
    }

    public Task<AttemptPlan> CompleteAsync(AttemptFence fence) => Attempts.CompleteAsync(fence, Given.Result(), "test", Ct);

    public Task<BeatOutcome> BeatAsync(AttemptFence f, long sequence, long frames = 10) => Ledger.BeatAsync(
        new Heartbeat(f.TaskUid, f.Scene, f.Attempt, f.PodUid, f.LeaseUid, f.Token, sequence, "Running", frames, 100, 25000, 1000, 100, 5,
            null), Ct);

    async Task TaskAsync(string uid, TaskCommand command)
    {
        var loaded = await Ledger.LoadTaskAsync(uid, Ct);
        var events = TaskDecider.Decide(loaded.State, command).ShouldBeOfType<Decision<ITaskEvent>.Events>().Items;
        await Ledger.CommitAsync(new LedgerCommit("test", [new TaskChange(uid, loaded, events)], [], _epoch), Ct);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
            await store.DisposeAsync();
    }
}

/// <summary>Pods and nodes as a test says.</summary>
sealed class FakeWorld : IPodsAndNodes
{
    readonly Dictionary<string, Pod> _pods = new(StringComparer.Ordinal);

    public bool NodeReady { get; set; } = true;

    public Pod? FindPod(string uid) => _pods.GetValueOrDefault(uid);

    public bool IsReady(string node) => NodeReady;

    public bool OutOfService { get; set; }

    public string? BootId { get; set; }

    public bool IsOutOfService(string node) => OutOfService;

    public string? BootIdOf(string node) => BootId;

    public void Runs(string uid) => _pods[uid] = Pod(uid, "Running", new ContainerState { Running = new() });

    public void Ended(string uid) => _pods[uid] = Pod(uid, "Succeeded", new ContainerState { Terminated = new() { ExitCode = 0, Reason = "Completed" } });

    /// <summary>Its end is on record, and so it has lost its finalizer; but the record may be lost.</summary>
    public void EndedOnRecord(string uid)
    {
        Ended(uid);
        _pods[uid] = _pods[uid] with { Metadata = _pods[uid].Metadata with { Finalizers = null } };
    }

    static Pod Pod(string uid, string phase, ContainerState state) => new()
    {
        Metadata = new ObjectMeta { Name = uid, Uid = uid, Finalizers = [ApiGroup.PodFinalizer] },
        Spec = new PodSpec { NodeName = "node-1", Containers = [new Container { Name = "worker" }] },
        Status = new PodStatus { Phase = phase, ContainerStatuses = [new ContainerStatus { Name = "worker", State = state }] },
    };
}
