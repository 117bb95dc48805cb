// Base of the tests that run daemons: a running one is stopped and awaited before its store goes.
using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Projections;

public abstract class DaemonTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    readonly CancellationTokenSource _stop = new();
    readonly List<Task> _running = [];

    /// <summary>Short waits, so that what is told by them shows soon.</summary>
    protected static ProjectionDaemonOptions Quick { get; } = new()
    {
        RetryFailedAfter = TimeSpan.FromMilliseconds(50), StandBackFor = TimeSpan.FromMilliseconds(100),
    };

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await Store.MigrateAsync(Ct, Views.Schema);
    }

    public override async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _stop.Dispose();
        await base.DisposeAsync();
    }

    protected PostgresEventStore OpenWith(params Projection[] asynchronous) =>
        Open(change: o => o with { Projections = new() { Asynchronous = asynchronous }, PollInterval = TimeSpan.FromMilliseconds(100) });

    protected ProjectionDaemon Start(
        PostgresEventStore store, ProjectionDaemonOptions? options = null, params Subscription[] subscriptions) =>
        Start(store, out _, options, subscriptions);

    protected ProjectionDaemon Start(
        PostgresEventStore store, out CancellationTokenSource stop, ProjectionDaemonOptions? options = null,
        params Subscription[] subscriptions)
    {
        var daemon = new ProjectionDaemon(store, subscriptions, options ?? Quick);
        stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _running.Add(daemon.RunAsync(stop.Token));
        return daemon;
    }

    protected async Task AppendAsync(string stream, params object[] events) =>
        await Store.OpenSession().AppendAny(stream, events).SaveChangesAsync(Ct);

    /// <summary>Every byte of a table, in the order of its key.</summary>
    protected async Task<string> DumpAsync(ViewTable table, string key, string schema = "framelease")
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(Ct);
        using var copy = await connection.BeginTextExportAsync($"copy (select * from {schema}.{table.Name} order by {key}) to stdout", Ct);
        return await copy.ReadToEndAsync(Ct);
    }

    /// <summary>The parcels' view as the log says that it must be.</summary>
    protected Task<string> ParcelsFromLogAsync() => LinesAsync("""
        select e.stream_id, max(e.data->>'sender'), max(e.data->>'grams')::int, max(e.data->>'size'), min(e.timestamp), max(e.timestamp),
          max(e.seq_id), max(e.version), count(*)::int
        from framelease_events.mt_events as e where e.type like 'parcel%' group by e.stream_id order by e.stream_id
        """);

    protected Task<string> ParcelsAsync() => LinesAsync("select * from framelease.parcel_view order by parcel");

    async Task<string> LinesAsync(string query)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(Ct);
        using var copy = await connection.BeginTextExportAsync($"copy ({query}) to stdout", Ct);
        return await copy.ReadToEndAsync(Ct);
    }

    protected async Task<ProjectionHealth> HealthAsync(IProjectionDaemon daemon, string name) =>
        (await daemon.ReadHealthAsync(Ct)).Projections.Single(p => p.Name == name);
}
