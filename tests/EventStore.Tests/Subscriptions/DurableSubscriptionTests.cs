using Framelease.EventStore.Tests.Projections;
using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Subscriptions;

public sealed class DurableSubscriptionTests(PostgresServer server, TestDatabase database) : DaemonTests(server, database)
{
    static Subscription Into(ICollection<long> seen, string name, string prefix = "") => new()
    {
        Name = name,
        Filter = new(prefix),
        Handle = (events, _) =>
        {
            lock (seen)
                foreach (var e in events) seen.Add(e.Sequence);
            return Task.CompletedTask;
        },
    };

    [Fact]
    public async Task A_subscription_goes_on_where_it_had_stopped()
    {
        var (seen, prefix) = (new List<long>(), NewStream("post"));
        for (var i = 0; i < 5; i++) await AppendAsync($"{prefix}-{i}", new ParcelSorted(i));
        var first = Start(OpenWith(), out var stop, null, Into(seen, "post", prefix));
        await first.CatchUpAsync(Ct);
        seen.Count.ShouldBe(5);
        await stop.CancelAsync();
        for (var i = 5; i < 9; i++) await AppendAsync($"{prefix}-{i}", new ParcelSorted(i));
        await Start(OpenWith(), null, Into(seen, "post", prefix)).CatchUpAsync(Ct);
        seen.Count.ShouldBe(9);
        seen.ShouldBe(seen.Distinct().Order());
    }

    [Fact]
    public async Task A_batch_whose_handler_threw_comes_again_and_nothing_behind_it_comes_before_it()
    {
        var (seen, prefix, failures) = (new List<long>(), NewStream("post"), 0);
        for (var i = 0; i < 20; i++) await AppendAsync($"{prefix}-{i}", new ParcelSorted(i));
        var into = Into(seen, "failing_post", prefix);
        var daemon = Start(OpenWith(), Quick with { BatchSize = 4 }, into with
        {
            Handle = (events, ct) => events.Any(e => e.Data is ParcelSorted { Chute: 13 }) && failures++ < 6
                ? throw new InvalidOperationException("jammed")
                : into.Handle(events, ct),
        });
        await EventuallyAsync(async () => (await HealthAsync(daemon, "failing_post")) is { Kind: ProjectionKind.Subscription, Lag: 0 });
        failures.ShouldBe(7);
        seen.Count.ShouldBe(20);
        seen.ShouldBe(seen.Order());
    }

    [Fact]
    public async Task A_subscription_may_begin_at_the_end_of_the_log()
    {
        var (seen, prefix) = (new List<long>(), NewStream("post"));
        await AppendAsync($"{prefix}-1", new ParcelSorted(1));
        var daemon = Start(OpenWith(), null, Into(seen, "late_post", prefix) with { StartsAtEnd = true });
        await daemon.CatchUpAsync(Ct);
        await AppendAsync($"{prefix}-2", new ParcelSorted(2));
        await daemon.CatchUpAsync(Ct);
        seen.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Replicas_give_each_event_at_least_once()
    {
        var (seen, prefix) = (new List<long>(), NewStream("post"));
        var daemons = Enumerable.Range(0, 3).Select(_ => Start(OpenWith(), null, Into(seen, "shared_post", prefix))).ToList();
        for (var i = 0; i < 50; i++) await AppendAsync($"{prefix}-{i}", new ParcelSorted(i));
        foreach (var daemon in daemons) await daemon.CatchUpAsync(Ct);
        lock (seen) seen.Distinct().Count().ShouldBe(50);
    }
}
