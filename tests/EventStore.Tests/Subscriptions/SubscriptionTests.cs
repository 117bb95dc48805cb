using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Subscriptions;

public sealed class SubscriptionTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    [Fact]
    public async Task A_subscription_gives_what_was_there_and_then_what_comes()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        var stream = NewStream();
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        await using var events = Store.SubscribeAsync(start, new(stream), Ct).GetAsyncEnumerator(Ct);
        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current.Version.ShouldBe(1);
        var next = events.MoveNextAsync().AsTask();
        next.IsCompleted.ShouldBeFalse();
        await Store.OpenSession().Append(stream, 1, new ParcelSorted(2)).SaveChangesAsync(Ct);
        (await next.WaitAsync(Ct)).ShouldBeTrue();
        events.Current.Version.ShouldBe(2);
    }

    [Fact]
    public async Task Commits_of_another_process_wake_a_subscription_long_before_it_would_poll()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        var other = Open(change: o => o with { PollInterval = TimeSpan.FromMinutes(10) });
        var stream = NewStream();
        await using var events = other.SubscribeAsync(start, new(stream), Ct).GetAsyncEnumerator(Ct);
        var next = events.MoveNextAsync().AsTask();
        await EventuallyAsync(() => ScalarAsync<bool>("select exists (select from pg_stat_activity where application_name = 'framelease listener' and query like 'listen%')"));
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        (await next.WaitAsync(TimeSpan.FromSeconds(20), Ct)).ShouldBeTrue();
    }

    [Fact]
    public async Task Without_hints_a_subscription_polls()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        var deaf = Open(change: o => o with { PollInterval = TimeSpan.FromMilliseconds(30), UseNotify = false });
        var stream = NewStream();
        await using var events = deaf.SubscribeAsync(start, new(stream), Ct).GetAsyncEnumerator(Ct);
        var next = events.MoveNextAsync().AsTask();
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        (await next.WaitAsync(Ct)).ShouldBeTrue();
    }

    [Fact]
    public async Task Cancellation_ends_a_waiting_subscription()
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var start = await Store.LatestSequenceAsync(Ct);
        await using var events = Store.SubscribeAsync(start, null, end.Token).GetAsyncEnumerator(end.Token);
        var next = events.MoveNextAsync().AsTask();
        await end.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => next);
    }
}
