using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.EventStore;
using Framelease.LocalCluster.Postgres;
using Framelease.Operator.Attempts;
using Framelease.Operator.Authority;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Pools;
using Microsoft.Extensions.Logging.Abstractions;
using static System.FormattableString;

namespace Framelease.Benchmarks.Leases;

/// <summary>The shipped dispatcher and ledger on a real PostgreSQL, without an API server: what a round costs.</summary>
sealed class DispatchRate : IAsyncDisposable
{
    const int Batch = 500;

    static readonly ClusterIdentity Cluster = new("bench");
    static readonly LeaseTerms Terms = new(0, 600, 60, 300);

    readonly PrivatePostgres _postgres;
    readonly PostgresEventStore _store;
    readonly PostgresLedger _ledger;
    readonly Cli.Shell _shell;
    Framelease.Operator.Ledger.LeaderEpoch _epoch = null!;
    int _pools;

    DispatchRate(PrivatePostgres postgres, Cli.Shell shell)
    {
        (_postgres, _shell) = (postgres, shell);
        _store = Open(requireAuthority: true);
        _ledger = new PostgresLedger(_store, _store, Cluster);
    }

    public static async Task<DispatchRate> StartAsync(string directory, Cli.Shell shell, CancellationToken ct)
    {
        var rate = new DispatchRate(
            await PrivatePostgres.StartAsync(
                new(Path.Combine(directory, "pg")) { MaxConnections = 40 }, NullLogger.Instance, shell.Time, ct),
            shell);
        await using (var store = rate.Open(requireAuthority: false))
        {
            await store.MigrateAsync(
                ct, SchemaScripts.FromAssembly(typeof(PostgresLedger).Assembly, "Framelease.Operator.Sql"), Statistics.Schema);
            await new AuthorityTakeOver(new PostgresAuthority(store, Cluster), Cluster, NullLogger.Instance).EnsureAsync(AuthorityWitness.None, ct);
        }

        var epochs = new PostgresEpochs(rate._store.Epochs, Cluster);
        rate._epoch = await epochs.TryAcquireAsync("controllers", "bench", TimeSpan.FromHours(1), ct)
            ?? throw new InvalidOperationException("a fresh database has a leader");
        return rate;
    }

    /// <summary>Rounds until no slot is free.</summary>
    public async Task<(int Granted, TimeSpan Took)> GrantAllAsync(int waiting, int nodes, int devices, CancellationToken ct)
    {
        var pool = NewPool();
        await RequestAsync(pool, waiting, ct);
        await DevicesAsync(pool, nodes, devices, ct);
        var dispatcher = NewDispatcher(pool);
        var started = _shell.Time.GetTimestamp();
        while (await dispatcher.RoundAsync(_epoch, ct) == TimeSpan.Zero)
        {
            // a full round: more can be granted at once
        }

        var took = _shell.Time.GetElapsedTime(started);
        var granted = (await _ledger.ReadPoolAsync(pool, ct)).Slots.Count(s => s.State is SlotState.Granted);
        return granted == Math.Min(waiting, nodes * devices)
            ? (granted, took)
            : throw new InvalidOperationException($"{granted} slots were granted of {nodes * devices}");
    }

    /// <summary>How long a round takes that has one slot to give to so many.</summary>
    public async Task<Latencies> RoundAsync(int waiting, int rounds, CancellationToken ct)
    {
        var pool = NewPool();
        await RequestAsync(pool, waiting, ct);
        var dispatcher = NewDispatcher(pool);
        await dispatcher.RoundAsync(_epoch, ct); // tells all that they wait
        var times = new List<TimeSpan>();
        for (var round = 1; round <= rounds; round++)
        {
            await DevicesAsync(pool, 1, round, ct);
            var started = _shell.Time.GetTimestamp();
            await dispatcher.RoundAsync(_epoch, ct);
            times.Add(_shell.Time.GetElapsedTime(started));
        }

        return Latencies.Of(times.Skip(rounds / 5));
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    string NewPool() => Invariant($"pool-{++_pools}");

    Dispatcher NewDispatcher(string pool)
    {
        var signals = new AttemptSignals();
        return new Dispatcher(
            pool, _ledger, new LeaseService(_ledger, signals), () => new Dictionary<string, TenantShare>(StringComparer.Ordinal), signals,
            _shell.Time, NullLogger.Instance);
    }

    async Task RequestAsync(string pool, int count, CancellationToken ct)
    {
        for (var from = 0; from < count; from += Batch)
        {
            var now = await _ledger.NowAsync(ct);
            var changes = Enumerable.Range(from, Math.Min(Batch, count - from)).Select(i =>
            {
                var name = Invariant($"{pool}-{i:D6}");
                var claim = new LeaseClaim("tenant", 0, 0, i % 50);
                var request = new LeaseRequested(name, "default", name, pool, name, null, 0, 1, Terms, claim);
                return new LeaseChange(name, new Loaded<LeaseState>(LeaseState.Initial, 0, now), [request]);
            });
            await _ledger.CommitAsync(new LedgerCommit("bench", [], [.. changes], _epoch), ct);
        }
    }

    Task DevicesAsync(string pool, int nodes, int devices, CancellationToken ct) => _ledger.SyncDevicesAsync(
        pool,
        [
            .. Enumerable.Range(0, nodes).SelectMany(n => Enumerable.Range(0, devices).Select(d => new SlotSnapshot(
                new SlotKey(Cluster.Uid, Invariant($"{pool}-node-{n:D3}"), Invariant($"{pool}-{n:D3}-gpu-{d}"), 0), pool,
                SlotState.Free, 0, null, "bench", "Gpu", d))),
        ],
        _epoch, ct);

    PostgresEventStore Open(bool requireAuthority) => new(
        new EventStoreOptions
        {
            ConnectionString = _postgres.ConnectionString, NewId = _shell.NewId, MaxPoolSize = 10, RequireAuthority = requireAuthority,
            Projections = Projections.All,
        },
        EventTypes.Register(new EventRegistry(EventJson.CreateOptions(EventTypesJson.Default))), _shell.Time);
}
