// Appends beside a rival of Marten's shape, and what is read, on one PostgreSQL in one run, with synchronous_commit on.
using System.Globalization;
using Framelease.Benchmarks.Reporting;
using Framelease.EventStore;
using Framelease.LocalCluster.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Framelease.Benchmarks.EventStore;

sealed class EventStoreSuite(Cli.Shell shell, bool quick, Action<string> note)
{
    const string Suite = "eventstore", Appends = "appends", Scale = "scale", Reads = "reads";
    const int MostWriters = 100;

    /// <summary>Suites by themselves for who works on one of them: the whole takes a quarter of an hour.</summary>
    public static string[] Parts { get; } = [$"{Suite}/{Appends}", $"{Suite}/{Scale}", $"{Suite}/{Reads}"];

    readonly List<Figure> _figures = [];
    readonly TimeSpan _duration = TimeSpan.FromSeconds(quick ? 1 : 5);

    /// <param name="part">Null: all of them.</param>
    public async Task<IReadOnlyList<Figure>> RunAsync(string? part, CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("framelease-bench-").FullName;
        File.SetUnixFileMode(directory, (UnixFileMode)0b111_101_101); // as root the server runs as another user, who must pass through
        try
        {
            await using var server = await PrivatePostgres.StartAsync(
                new(Path.Combine(directory, "pg")) { MaxConnections = MostWriters + 30 }, NullLogger.Instance, shell.Time, ct);
            if (part is null or Appends)
                await AppendsAsync(server, directory, ct);
            if (part is null or Scale)
                await new ScaleFigures(await CreateDatabaseAsync(server, "scale", ct), shell, quick, Add).RunAsync(ct);
            if (part is null or Reads)
                await new ReadSide(await CreateDatabaseAsync(server, "read_side", ct), shell, quick, Add).RunAsync(ct);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        return _figures;
    }

    static async Task<string> CreateDatabaseAsync(PrivatePostgres server, string name, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await using var command = source.CreateCommand($"create database {name}");
        await command.ExecuteNonQueryAsync(ct);
        return new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = name }.ConnectionString;
    }

    async Task AppendsAsync(PrivatePostgres server, string directory, CancellationToken ct)
    {
        await using var rival = new RivalStore(server.ConnectionString, shell.NewId);
        await rival.CreateAsync(ct);
        var registry = new EventRegistry().Register<FrameCoded>("frame_coded");
        await using var ours = new PostgresEventStore(
            new EventStoreOptions { ConnectionString = server.ConnectionString, NewId = shell.NewId, UseNotify = false }, registry, shell.Time);
        await ours.MigrateAsync(ct);
        // The rival needs one connection a writer, ours 20 in all. One writer with 1,000 events an append is a bulk import.
        foreach (var (writers, events) in new[] { (1, 1), (8, 1), (32, 1), (MostWriters, 1), (8, 10), (32, 10), (8, 100), (32, 100), (1, 1000) })
        {
            var batch = Enumerable.Repeat<object>(FrameCoded.Sample, events).ToArray();
            var (theirs, own) = await InTurnsAsync(
                round => Load.RunAsync(writers, _duration, $"r{writers}-{events}-{round}", (s, v) => rival.AppendAsync(s, v, events, ct), events, shell.Time),
                round => Load.RunAsync(
                    writers, _duration, $"o{writers}-{events}-{round}",
                    (s, v) => ours.OpenSession(new SessionMetadata(Actor: "bench")).Append(s, v, batch).SaveChangesAsync(ct), events, shell.Time));
            var (goal, wanted) = (writers, events) switch
            {
                (32, 1) => (">= 1.5 x the rival", 1.5),
                (_, > 1) => (">= 1.2 x the rival", 1.2),
                _ => ("no slower than the rival", 1.0),
            };
            Add($"append-{events}-writers-{writers}", own * events, "events/s", goal, own / theirs >= wanted, theirs * events, own / theirs);
        }

        ours.DataSource.Clear();
        await RivalCheckAsync(rival, server, directory, ct);
    }

    // The rival counts only if it is called well: PostgreSQL's own tool must not get much more out of its function.
    async Task RivalCheckAsync(RivalStore rival, PrivatePostgres server, string directory, CancellationToken ct)
    {
        var fresh = 0L;
        var called = await Load.RunAsync(
            32, _duration, "check", (s, _) => rival.AppendAsync($"{s}-{Interlocked.Increment(ref fresh)}", 0, 1, ct), 1, shell.Time);
        await rival.CloseAsync();
        if (await PgBench.RunAsync(server.SocketDirectory, "framelease", 32, _duration, directory, ct) is { } tool)
            Add("rival-beside-pgbench", called, "appends/s", ">= 0.8 of what pgbench gets from the rival's function", called / tool >= 0.8, tool, called / tool);
        else
            note("rival-beside-pgbench: no pgbench on this machine; the rival is unchecked");
    }

    // Both sides alternate, and so does who begins; the better round of each counts, since whatever else the machine does only slows.
    async Task<(double Rival, double Ours)> InTurnsAsync(Func<int, Task<double>> rival, Func<int, Task<double>> ours)
    {
        var (theirs, own) = (0.0, 0.0);
        // not counted: compilers and plan caches have their first seconds, and the two sides not equally long ones
        await rival(-1);
        await ours(-1);
        for (var round = 0; round < (quick ? 2 : 4); round++)
        {
            if (round % 2 == 0)
                theirs = Math.Max(theirs, await rival(round));
            own = Math.Max(own, await ours(round));
            if (round % 2 == 1)
                theirs = Math.Max(theirs, await rival(round));
        }

        return (theirs, own);
    }

    void Add(string name, double value, string unit, string goal, bool? met, double? rival = null, double? ratio = null)
    {
        var figure = new Figure(Suite, name, value, unit, goal, met, rival, ratio);
        _figures.Add(figure);
        shell.Console.Out.WriteLine(figure);
        shell.Console.Out.Flush();
    }
}
