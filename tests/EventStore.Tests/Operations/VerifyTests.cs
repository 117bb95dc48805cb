using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Operations;

/// <summary>Each kind of damage, done as the owner could do it, is found and named.</summary>
[Collection(PostgresServer.Collection)]
public sealed class VerifyTests(PostgresServer server) : IAsyncLifetime
{
    readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(5));
    string _connectionString = "";
    PostgresEventStore _store = null!;

    CancellationToken Ct => _limit.Token;

    public async Task InitializeAsync()
    {
        _connectionString = await server.CreateDatabaseAsync();
        _store = new(new() { ConnectionString = _connectionString, NewId = Guid.CreateVersion7 }, Parcels.Registry(), TimeProvider.System);
        await _store.MigrateAsync(Ct);
        foreach (var stream in new[] { "parcel-a", "parcel-b" })
            await _store.OpenSession().Append(
                stream, 0, new ParcelAccepted("s", 1, ParcelSize.Box), new ParcelSorted(1), new ParcelHandedOver("x")).SaveChangesAsync(Ct);
    }

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        _limit.Dispose();
    }

    async Task<LogFinding> FindingAfterAsync(string damage)
    {
        await PostgresServer.ExecuteAsync(_connectionString, damage);
        return (await _store.VerifyAsync(Ct)).Findings.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_sound_log_has_no_findings_whatever_Marten_left_in_it()
    {
        await PostgresServer.ExecuteAsync(_connectionString, """
            insert into framelease_events.mt_streams (id, version) values ('mt_tombstone', 900);
            insert into framelease_events.mt_events (seq_id, id, stream_id, version, data, type, timestamp, is_archived)
            values (nextval('framelease_events.mt_events_sequence'), gen_random_uuid(), 'mt_tombstone', 900, '{}', 'tombstone', now(),
              false);
            insert into framelease_events.mt_event_progression (name, last_seq_id) values ('HighWaterMark', 7);
            update framelease_events.mt_streams set is_archived = true where id = 'parcel-b';
            update framelease_events.mt_events set is_archived = true where stream_id = 'parcel-b';
            """);
        var report = await _store.VerifyAsync(Ct);
        report.Findings.ShouldBeEmpty();
        (report.Streams, report.Events, report.LastSequence).ShouldBe((3, 7, 7));
    }

    [Fact]
    public async Task A_hole_in_a_stream_is_named_with_its_version()
    {
        var finding = await FindingAfterAsync("delete from framelease_events.mt_events where stream_id = 'parcel-a' and version = 2");
        (finding.Check, finding.Stream, finding.Version).ShouldBe(("StreamVersions", "parcel-a", 2));
        finding.Mend.ShouldContain("backup");
    }

    [Fact]
    public async Task A_lost_end_of_a_stream_is_named_with_the_first_version_that_is_gone()
    {
        var finding = await FindingAfterAsync("delete from framelease_events.mt_events where stream_id = 'parcel-a' and version > 1");
        (finding.Check, finding.Stream, finding.Version).ShouldBe(("StreamVersions", "parcel-a", 2));
        finding.Problem.ShouldBe("mt_streams says version 3, the last event has 1");
    }

    [Fact]
    public async Task A_stream_row_that_is_behind_its_events_is_mended_by_the_statement_that_the_finding_gives()
    {
        var finding = await FindingAfterAsync("update framelease_events.mt_streams set version = 2 where id = 'parcel-a'");
        (finding.Check, finding.Version).ShouldBe(("StreamVersions", 3));
        await PostgresServer.ExecuteAsync(_connectionString, finding.Mend[(finding.Mend.IndexOf(": ", StringComparison.Ordinal) + 2)..]);
        (await _store.VerifyAsync(Ct)).Findings.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("alter table framelease_events.mt_events drop constraint fkey_mt_events_stream_id; delete from "
        + "framelease_events.mt_streams where id = 'parcel-a'", "StreamRow", "parcel-a")]
    [InlineData("update framelease_events.mt_events set is_archived = null where stream_id = 'parcel-b' and version = "
        + "3", "Archived", "parcel-b")]
    [InlineData("update framelease_events.mt_events set seq_id = 50 where stream_id = 'parcel-a' and version = 1; select "
        + "setval('framelease_events.mt_events_sequence', 50)", "StreamOrder", "parcel-a")]
    [InlineData("update framelease_events.mt_events set type = 'parcel_vanished' where stream_id = 'parcel-a' and version = "
        + "2", "UnknownEvent", "parcel-a")]
    [InlineData("update framelease_events.mt_events set headers = '{\"data-version\": \"2\"}' where stream_id = 'parcel-a' and version = "
        + "2", "UnreadableEvent", "parcel-a")]
    [InlineData("update framelease_events.mt_events set data = '{\"chute\": \"three\"}' where stream_id = 'parcel-a' and version = "
        + "2", "UnreadableEvent", "parcel-a")]
    [InlineData("insert into framelease_events.mt_event_progression (name, last_seq_id) values ('leases:All', 7)", "Progression", null)]
    public async Task Damage_is_found_and_named(string damage, string check, string? stream)
    {
        var finding = await FindingAfterAsync(damage);
        (finding.Check, finding.Stream).ShouldBe((check, stream));
        finding.Problem.ShouldNotBeEmpty();
        finding.Mend.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_sequence_behind_the_log_is_mended_by_the_statement_that_the_finding_gives()
    {
        var finding = await FindingAfterAsync("select setval('framelease_events.mt_events_sequence', 4)");
        (finding.Check, finding.Sequence).ShouldBe(("Sequence", 6));
        await PostgresServer.ExecuteAsync(_connectionString, finding.Mend);
        (await _store.VerifyAsync(Ct)).Findings.ShouldBeEmpty();
        await _store.OpenSession().Append("parcel-c", 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
    }

    [Fact]
    public async Task Events_without_a_declared_name_are_counted_as_one_finding_that_names_the_first()
    {
        var finding = await FindingAfterAsync("update framelease_events.mt_events set type = 'parcel_vanished' where version = 2");
        finding.Problem.ShouldStartWith("2 events 'parcel_vanished'");
        (finding.Stream, finding.Version, finding.Sequence).ShouldBe(("parcel-a", 2, 2));
    }
}
