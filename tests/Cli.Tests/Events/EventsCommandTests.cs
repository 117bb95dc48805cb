using System.Text.Json.Nodes;
using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Ledger;
using Framelease.Operator.Monitoring;

namespace Framelease.Cli.Tests.Events;

[CollectionDefinition(PostgresServer.Collection)]
public sealed class PostgresCollection : ICollectionFixture<PostgresServer>;

/// <summary>`framelease events` on a real database, as a person runs it.</summary>
[Collection(PostgresServer.Collection)]
public sealed class EventsCommandTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;

    readonly TestShell _shell = new();
    string _database = "";
    PostgresEventStore _store = null!;

    public async Task InitializeAsync()
    {
        _database = await server.CreateDatabaseAsync();
        _store = new(
            new EventStoreOptions
            {
                ConnectionString = _database, NewId = Guid.CreateVersion7, MaxPoolSize = 10,
                Projections = Projections.All
            },
            EventTypes.Register(new EventRegistry(EventJson.CreateOptions(EventTypesJson.Default))), TimeProvider.System);
        await _store.MigrateAsync(Ct, SchemaScripts.FromAssembly(typeof(PostgresLedger).Assembly, "Framelease.Operator.Sql"),
            Statistics.Schema);
        await RequestAsync("a");
        await RequestAsync("b");
        await _store.OpenSession(new SessionMetadata(Actor: "anna")).Append("lease-a", 1, new LeaseGaveUp("Tired")).SaveChangesAsync(Ct);
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    Task RequestAsync(string uid) => _store.OpenSession().Append(
        "lease-" + uid, 0, new LeaseRequested(uid, "default", uid, "gpus", "by hand", null, 0, 0, new LeaseTerms(0, 600, 60, 300)))
            .SaveChangesAsync(Ct);

    Task<int> RunAsync(params string[] args) => _shell.RunAsync(["events", .. args, "--postgres", _database]);

    JsonObject Json() => JsonNode.Parse(_shell.Out)!.AsObject();

    [Fact]
    public async Task Tail_shows_the_newest_events_in_order()
    {
        (await RunAsync("tail", "--last", "2", "--no-follow")).ShouldBe(0);
        var lines = _shell.Out.TrimEnd().Split('\n');
        lines.Length.ShouldBe(2);
        lines[0].ShouldContain("lease-b@1");
        lines[1].ShouldContain("lease-a@2");
        lines[1].ShouldContain("lease_gave_up");
        lines[1].ShouldContain("reason=Tired");
    }

    [Fact]
    public async Task Tail_filters_by_stream_and_name_and_begins_where_it_is_told_to()
    {
        (await RunAsync("tail", "--after", "0", "--stream", "lease-a", "--type", "lease_gave_up", "--no-follow", "--output", "json"))
            .ShouldBe(0);
        var line = Json();
        ((string)line["stream"]!, (long)line["version"]!, (string)line["actor"]!).ShouldBe(("lease-a", 2, "anna"));
    }

    [Fact]
    public async Task Tail_goes_on_with_what_is_committed_until_it_is_stopped()
    {
        using var stop = new CancellationTokenSource();
        var shell = new TestShell();
        var running = CommandLine.Root(new GlobalOptions(), shell.Shell).Parse(["events", "tail", "--last", "0", "--postgres", _database])
            .InvokeAsync(null, stop.Token);
        for (var i = 0; !shell.Out.Contains("lease-new", StringComparison.Ordinal); i++)
        {
            i.ShouldBeLessThan(3000, "30 s");
            if (i == 0)
                await RequestAsync("new-0");
            else if (i % 100 == 0) // the first may have come before the tail had found the log's end
                await RequestAsync($"new-{i}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
        }

        await stop.CancelAsync();
        (await running).ShouldBe(0);
        shell.Out.ShouldNotContain("lease-a");
    }

    [Fact]
    public async Task Show_tells_a_stream_and_one_event_by_its_version_or_number()
    {
        (await RunAsync("show", "lease-a")).ShouldBe(0);
        _shell.Out.TrimEnd().Split('\n').Length.ShouldBe(2);
        foreach (var subject in new[] { "lease-a@2", "3" })
        {
            var shell = new TestShell();
            (await shell.RunAsync("events", "show", subject, "--postgres", _database)).ShouldBe(0);
            ((string)JsonNode.Parse(shell.Out)!["data"]!["reason"]!).ShouldBe("Tired");
        }
    }

    [Theory]
    [InlineData("lease-z")]
    [InlineData("lease-a@9")]
    [InlineData("999")]
    public async Task Show_of_what_is_not_there_fails_and_says_so(string subject)
    {
        (await RunAsync("show", subject)).ShouldBe(1);
        _shell.Error.ShouldContain($"neither a stream nor an event '{subject}'");
    }

    [Fact]
    public async Task Verify_of_a_sound_log_is_0()
    {
        (await RunAsync("verify")).ShouldBe(0);
        _shell.Out.ShouldBe("sound: 2 streams, 3 events, last number 3\n");
    }

    [Fact]
    public async Task Verify_of_a_damaged_log_is_1_and_names_stream_version_and_mend()
    {
        await PostgresServer.ExecuteAsync(_database, "delete from framelease_events.mt_events where stream_id = 'lease-a' and version = 1");
        (await RunAsync("verify")).ShouldBe(1);
        _shell.Out.ShouldContain("StreamVersions: stream lease-a version 1: 1 events with versions 2 to 2");
        _shell.Out.ShouldContain("  mend: ");
        var json = new TestShell();
        (await json.RunAsync("events", "verify", "--postgres", _database, "-o", "json")).ShouldBe(1);
        ((string)JsonNode.Parse(json.Out)!["findings"]![0]!["stream"]!).ShouldBe("lease-a");
    }

    [Fact]
    public async Task Verify_says_that_a_database_is_a_copy()
    {
        await PostgresServer.ExecuteAsync(_database, "update framelease.authority set system_identifier = '7'");
        (await RunAsync("verify")).ShouldBe(0);
        _shell.Out.ShouldContain("This is a copy: the log was last written by system 7, timeline 1");
    }

    [Fact]
    public async Task Rebuild_makes_every_view_anew_and_compares_them()
    {
        (await RunAsync("rebuild", "--compare")).ShouldBe(0);
        _shell.Out.ShouldContain("leases: 3 events up to 3");
        await PostgresServer.ExecuteAsync(_database, "update framelease.leases set state = 'Granted' where uid = 'a'");
        (await RunAsync("rebuild", "leases", "--compare")).ShouldBe(1);
        _shell.Out.ShouldContain("DIFFERENT");
        (await RunAsync("rebuild")).ShouldBe(0);
        (await PostgresServer.ScalarAsync<string>(_database, "select state from framelease.leases where uid = 'a'")).ShouldBe("GaveUp");
        (await RunAsync("rebuild", "nothing")).ShouldBe(2);
        _shell.Error.ShouldContain("there are leases, statistics, tasks");
    }

    [Fact]
    public async Task Without_a_database_it_says_how_to_name_one()
    {
        (await _shell.RunAsync("events", "verify")).ShouldBe(1);
        _shell.Error.ShouldContain("name one with --postgres or FRAMELEASE_POSTGRES");
        (await _shell.RunAsync("events", "verify", "--postgres", "Nonsense=1")).ShouldBe(2);
    }

    [Fact]
    public async Task A_database_without_a_log_is_told_apart()
    {
        (await _shell.RunAsync("events", "verify", "--postgres", await server.CreateDatabaseAsync())).ShouldBe(1);
        _shell.Error.ShouldContain("The database has no event store");
    }
}
