using Framelease.EventStore;
using Framelease.Operator.Hosting;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Notifications.Sinks;
using Framelease.Operator.Pools;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

namespace Framelease.Operator.Notifications;

/// <summary>The parts of telling people, put together: what the monitor finds goes into the book, and from there to the sinks.</summary>
sealed class NotificationCenter : IDisposable
{
    readonly NotificationOptions _options;
    readonly HttpSending _http;
    readonly NotificationSender _sender;

    public NotificationCenter(PostgresEventStore store, ClusterIdentity cluster, NotificationOptions options, Edges edges, ILogger logger)
    {
        _options = options;
        _http = new HttpSending(new AddressGuard([.. options.PrivateHosts]));
        Book = new AlertBook(store, cluster, edges.NewId);
        var sinks = options.Sinks.ToDictionary(s => s.Name, s => Sink(s, edges.Time), StringComparer.Ordinal);
        _sender = new NotificationSender(Book, sinks, edges.Chance, edges.Time, logger);
    }

    public AlertBook Book { get; }

    public Task TellAsync(IReadOnlyList<Issue> issues, LeaderEpoch epoch, CancellationToken cancel) =>
        Book.RecordAsync(issues, _options, epoch, cancel);

    public Task RunAsync(LeaderEpoch epoch, CancellationToken cancel) => _sender.RunAsync(epoch, cancel);

    public void Dispose() => _http.Dispose();

    INotificationSink Sink(SinkOptions options, TimeProvider time) => options.Type switch
    {
        SinkType.Webhook => new WebhookSink(options, _http, time),
        SinkType.Sms => new SmsSink(options, _http),
        _ => new EmailSink(options),
    };
}
