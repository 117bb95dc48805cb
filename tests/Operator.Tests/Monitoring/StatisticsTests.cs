using System.Globalization;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.EventStore;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Attempts;
using Framelease.Operator.Metrics;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Tests.Authority;

namespace Framelease.Operator.Tests.Monitoring;

/// <summary>What the log adds up to, on a real PostgreSQL, through the commands that the operator gives.</summary>
[Collection(PostgresServer.Collection)]
public sealed class StatisticsTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;

    readonly CancellationTokenSource _stop = new();
    string _connection = "";
    AuthorityHarness _operator = null!;
    ProjectionDaemon _daemon = null!;
    Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _connection = await server.CreateDatabaseAsync();
        _operator = new AuthorityHarness(_connection);
        await _operator.StartAsync();
        await _operator.LeadAsync();
        await _operator.DevicesAsync("sw-0", "sw-1");
        _daemon = new ProjectionDaemon(_operator.Guarded);
        _running = _daemon.RunAsync(_stop.Token);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _operator.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task A_lease_counts_as_requested_granted_and_given_back_and_its_times_are_in_the_histograms()
    {
        await _operator.CompleteAsync(await _operator.RunAsync("sw-0", "a"));
        var text = await MetricsAsync();
        text.ShouldContain("framelease_lease_requests_total{pool=\"default\"} 1\n");
        text.ShouldContain("framelease_lease_grants_total{pool=\"default\"} 1\n");
        text.ShouldContain("framelease_lease_wait_seconds_count{pool=\"default\"} 1\n");
        text.ShouldContain("framelease_lease_releases_total{pool=\"default\"} 1\n");
        text.ShouldContain("framelease_lease_held_seconds_count{pool=\"default\",ending=\"Released\"} 1\n");
        text.ShouldContain("framelease_attempt_duration_seconds_count{engine=\"ffmpeg-transcode\",outcome=\"Committed\"} 1\n");
    }

    [Fact]
    public async Task A_hand_over_is_measured_when_a_slot_is_granted_again()
    {
        await _operator.CompleteAsync(await _operator.RunAsync("sw-0", "a"));
        (await MetricsAsync()).ShouldNotContain("framelease_slot_handover_seconds_count");
        await _operator.RunAsync("sw-0", "b");
        (await MetricsAsync()).ShouldContain("framelease_slot_handover_seconds_count{pool=\"default\"} 1\n");
    }

    [Fact]
    public async Task An_expiry_is_counted_by_cause_and_its_recovery_by_proof()
    {
        var fence = await _operator.RunAsync("sw-0", "a");
        await ExpireAsync(fence);
        var text = await MetricsAsync();
        text.ShouldContain("framelease_lease_expiries_total{pool=\"default\",cause=\"HeartbeatLost\"} 1\n");
        text.ShouldContain("framelease_slot_quarantines_total{pool=\"default\",reason=\"HeartbeatLost\"} 1\n");
        text.ShouldContain("framelease_slots{pool=\"default\",state=\"quarantined\"} 1\n");
        text.ShouldNotContain("framelease_slot_recovery_seconds_count");
        await _operator.LeaseAsync(fence.LeaseUid!, new LeaseCommand.Free(FreeProof.NodeRebooted, "another boot id"));
        text = await MetricsAsync();
        text.ShouldContain("framelease_slot_recovery_seconds_count{pool=\"default\",proof=\"NodeRebooted\"} 1\n");
        text.ShouldContain("framelease_slots{pool=\"default\",state=\"quarantined\"} 0\n");
    }

    [Fact]
    public async Task A_holder_that_writes_after_it_was_given_up_for_silence_makes_one_false_expiry_however_often_it_writes()
    {
        var fence = await _operator.RunAsync("sw-0", "a");
        await ExpireAsync(fence);
        (await MetricsAsync()).ShouldNotContain("framelease_lease_false_expiries_total{");
        await _operator.Attempts.RejectStaleHolderAsync(fence, "beat", "test", Ct);
        await _operator.Attempts.RejectStaleHolderAsync(fence, "complete", "test", Ct);
        (await MetricsAsync()).ShouldContain("framelease_lease_false_expiries_total{pool=\"default\"} 1\n");
    }

    [Fact]
    public async Task What_can_happen_is_zero_before_it_happens_so_that_the_first_time_is_an_increase()
    {
        var text = Text(await new StatisticsSource(new PlatformReads(_operator.Guarded), label => [$"a-{label}"]).ReadAsync(Ct));
        text.ShouldContain("framelease_lease_false_expiries_total{pool=\"a-pool\"} 0\n");
        text.ShouldContain("framelease_lease_expiries_total{pool=\"a-pool\",cause=\"HeartbeatLost\"} 0\n");
        text.ShouldContain("framelease_slot_handover_seconds_count{pool=\"a-pool\"} 0\n");
        text.ShouldContain("framelease_authority_changes_total 0\n");
    }

    [Fact]
    public async Task Made_anew_from_the_log_the_statistics_are_the_same()
    {
        await _operator.CompleteAsync(await _operator.RunAsync("sw-0", "a"));
        await ExpireAsync(await _operator.RunAsync("sw-1", "b"));
        await _daemon.CatchUpAsync(Ct);
        var compared = await new ProjectionRebuild(_operator.Guarded).RunAsync(Statistics.Projection.Name, RebuildMode.Compare, null, Ct);
        compared.IsEqual.ShouldBeTrue(string.Join('\n', compared.Comparisons.SelectMany(c => c.Differences)));
    }

    [Fact]
    public async Task Without_a_database_the_scrape_says_so_and_goes_on()
    {
        await using var lonely = new PostgresEventStore(
            new EventStoreOptions { ConnectionString = "Host=127.0.0.1;Port=1;Username=nobody;Timeout=1", NewId = Guid.CreateVersion7 },
            new EventRegistry(EventJson.CreateOptions(Framelease.Operator.Ledger.EventTypesJson.Default)), TimeProvider.System);
        var reads = new PlatformReads(lonely);
        Text(await new StateSource(reads, () => null).ReadAsync(Ct)).ShouldContain("framelease_database_up 0\n");
        (await new StatisticsSource(reads, _ => []).ReadAsync(Ct)).ShouldBeEmpty();
    }

    Task ExpireAsync(AttemptFence fence) =>
        _operator.Attempts.ExpireAsync(fence, ExpiryCause.HeartbeatLost, "silent", null, _operator.Epoch, Ct);

    async Task<string> MetricsAsync()
    {
        await _daemon.CatchUpAsync(Ct);
        var reads = new PlatformReads(_operator.Guarded);
        return Text([.. await new StatisticsSource(reads, _ => []).ReadAsync(Ct), .. await new StateSource(reads, () => null).ReadAsync(Ct)]);
    }

    static string Text(IEnumerable<MetricFamily> families)
    {
        var writer = new StringWriter(CultureInfo.InvariantCulture);
        PrometheusText.Write(writer, families, openMetrics: false);
        return writer.ToString();
    }
}
