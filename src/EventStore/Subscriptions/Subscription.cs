namespace Framelease.EventStore;

/// <summary>
/// Events pushed to a handler, at least once each and in the order of the log, from a stored position on: a batch whose handler threw, or
/// whose process died, comes again. Give it to a <see cref="ProjectionDaemon"/>. Where a place in the log is kept by the caller, use
/// <see cref="IEventStore.SubscribeAsync"/>.
/// </summary>
public sealed record Subscription
{
    /// <summary>As a projection's: 1 to 40 characters, a small letter, then small letters, digits and _. Names its position for
    /// ever.</summary>
    public required string Name { get; init; }

    /// <value>Which events; by default all.</value>
    public EventFilter Filter { get; init; } = EventFilter.All;

    /// <value>Where a subscription that was never started begins: at the log's present end, or (default) at its beginning.</value>
    public bool StartsAtEnd { get; init; }

    /// <summary>Given at least one event, at most a batch. Its completion moves the stored position; do in it whatever must not be
    /// lost.</summary>
    public required Func<IReadOnlyList<EventEnvelope>, CancellationToken, Task> Handle { get; init; }

    internal string Identity => $"{Name}:All";
}

/// <summary>Follows the log for a subscription: first the handler, then the position.</summary>
internal sealed class SubscriptionFollower(
    PostgresEventStore store, HighWaterMark mark, ProjectionDaemonOptions options, Subscription subscription)
    : Follower(store, mark, options, subscription.Name, subscription.Identity)
{
    public override EventFilter Filter => subscription.Filter;

    protected override async Task<long?> StartAsync(CancellationToken ct)
    {
        if ((await Progress.ReadAsync(Store, Name, ct)).TryGetValue(Identity, out var position)) return position;
        await Progress.StartAsync(Store, Identity, subscription.StartsAtEnd ? await Store.LatestSequenceAsync(ct) : 0, ct);
        return (await Progress.ReadAsync(Store, Name, ct))[Identity];
    }

    protected override async Task ApplyAsync(IReadOnlyList<EventEnvelope> events, long floor, long ceiling, CancellationToken ct)
    {
        if (events.Count > 0) await subscription.Handle(events, ct);
        await Progress.CommitAsync(Store, Identity, floor, ceiling, () => [], ct);
    }
}
