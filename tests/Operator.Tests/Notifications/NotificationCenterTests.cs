using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Hosting;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Notifications;
using Framelease.Operator.Notifications.Sinks;
using Framelease.Operator.Pools;
using Framelease.Operator.Tests.Authority;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Operator.Tests.Notifications;

/// <summary>From what the monitor finds to what a receiver gets, on a real PostgreSQL.</summary>
[Collection(PostgresServer.Collection)]
public sealed class NotificationCenterTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;
    static readonly Issue Stuck = new("GPU_LOCK_DEADLOCK_DETECTED", IssueSeverity.Critical, "gold", "1 slot is stuck");
    static readonly NotificationOptions Options = new()
    {
        GroupSeconds = 0, Sinks = [new SinkOptions { Name = "ops", Type = SinkType.Webhook }],
    };

    readonly Recording _sink = new();
    AuthorityHarness _operator = null!;
    AlertBook _book = null!;
    NotificationSender _sender = null!;
    string _connection = "";

    public async Task InitializeAsync()
    {
        _connection = await server.CreateDatabaseAsync();
        _operator = new AuthorityHarness(_connection);
        await _operator.StartAsync();
        await _operator.LeadAsync();
        _book = new AlertBook(_operator.Guarded, new ClusterIdentity("cluster"), Guid.CreateVersion7);
        _sender = new NotificationSender(
            _book, new Dictionary<string, INotificationSink>(StringComparer.Ordinal) { ["ops"] = _sink }, new Random(1), TimeProvider.System,
            NullLogger.Instance);
    }

    public async Task DisposeAsync() => await _operator.DisposeAsync();

    [Fact]
    public async Task An_issue_is_told_once_however_often_it_is_seen_and_once_more_when_it_is_over()
    {
        for (var look = 0; look < 3; look++)
        {
            await RecordAsync(Stuck);
            await SendAsync();
        }

        _sink.Taken.Select(n => n.Body.Kind).ShouldBe([NotificationKind.Firing]);
        await PostgresServer.ExecuteAsync(_connection, "update framelease.alerts set seen_at = seen_at - interval '2 minutes'");
        await RecordAsync();
        await SendAsync();
        _sink.Taken.Select(n => n.Body.Kind).ShouldBe([NotificationKind.Firing, NotificationKind.Resolved]);
        (await _book.ReadAsync(Ct)).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_sink_does_not_take_comes_again_under_the_same_id_also_after_a_crash()
    {
        await RecordAsync(Stuck);
        _sink.Failure = new NotificationFailedException("not now", isPermanent: false);
        (await SendAsync()).ShouldBe(0);
        (await SendAsync()).ShouldBe(0, "it is not due yet");
        _sink.Tried.ShouldHaveSingleItem();
        await PostgresServer.ExecuteAsync(_connection, "update framelease.notifications set due_at = clock_timestamp()");
        _sink.Failure = null;
        (await SendAsync()).ShouldBe(1);
        _sink.Tried.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task What_no_try_can_help_is_given_up_and_stays_on_record()
    {
        await RecordAsync(Stuck);
        _sink.Failure = new NotificationFailedException("gone", isPermanent: true);
        await SendAsync();
        const string GivenUp = "select error from framelease.notifications where given_up_at is not null";
        (await PostgresServer.ScalarAsync<string>(_connection, GivenUp)).ShouldBe("gone");
        await PostgresServer.ExecuteAsync(_connection, "update framelease.notifications set due_at = clock_timestamp()");
        _sink.Failure = null;
        (await SendAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Whoever_handles_an_alert_is_named_and_it_escalates_no_further()
    {
        await RecordAsync(Stuck);
        (await _book.HandleAsync(Stuck.Key, "ada", "on it", Ct)).ShouldNotBeNull().HandledBy.ShouldBe("ada");
        (await _book.HandleAsync("nothing/", "ada", null, Ct)).ShouldBeNull();
        await PostgresServer.ExecuteAsync(_connection, "update framelease.alerts set since = since - interval '1 day'");
        await RecordAsync(Stuck);
        await SendAsync();
        _sink.Taken.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task An_older_leader_tells_nobody()
    {
        var old = _operator.Epoch;
        await _operator.LeadAsync();
        await Should.ThrowAsync<Framelease.Operator.Ledger.LeadershipLostException>(() => _book.RecordAsync([Stuck], Options, old, Ct));
        (await _book.ReadAsync(Ct)).ShouldBeEmpty();
    }

    Task RecordAsync(params Issue[] issues) => _book.RecordAsync(issues, Options, _operator.Epoch, Ct);

    Task<int> SendAsync() => _sender.SendDueAsync(_operator.Epoch, Ct);

    sealed class Recording : INotificationSink
    {
        public NotificationFailedException? Failure { get; set; }

        public List<Guid> Tried { get; } = [];

        public List<Notification> Taken { get; } = [];

        public Task SendAsync(Notification notification, CancellationToken cancel)
        {
            Tried.Add(notification.Id);
            if (Failure is { } failure)
                return Task.FromException(failure);
            Taken.Add(notification);
            return Task.CompletedTask;
        }
    }
}
