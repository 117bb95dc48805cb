using System.Collections.Concurrent;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Framelease.Kubernetes.Watching;

namespace Framelease.Kubernetes.Tests.Controllers;

public sealed class ControllerTests : IAsyncLifetime
{
    readonly ManualTimeProvider _time = new();
    readonly MemoryClient _client = new();
    readonly CancellationTokenSource _stop = new();
    readonly StoreSet _stores;
    readonly List<Task> _running = [];

    public ControllerTests() => _stores = new(_client, _time, new Random(1));

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await Eventually.True(_time, TimeSpan.FromSeconds(1), () => _running.All(t => t.IsCompleted), "everything stopped");
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    [Fact]
    public async Task Objects_that_are_there_and_those_that_come_are_reconciled()
    {
        await _client.CreateAsync(Map("old"));
        var work = Start(b => b.For<ConfigMap>());
        await work.Saw("default/old", 1);
        await _client.CreateAsync(Map("new"));
        await work.Saw("default/new", 1);
        await _client.DeleteAsync<ConfigMap>("old");
        await work.Saw("default/old", 2);
    }

    [Fact]
    public async Task A_dependents_change_wakes_its_controlling_owner_only()
    {
        var owner = await _client.CreateAsync(Map("owner"));
        await _client.CreateAsync(Map("other"));
        var work = Start(b => b.For<ConfigMap>().Owns<Pod>());
        await work.Saw("default/owner", 1);
        await work.Saw("default/other", 1);
        await _client.CreateAsync(new Pod { Metadata = new() { Name = "p", Namespace = "default", OwnerReferences = [OwnerReferences.To(owner)] } });
        await work.Saw("default/owner", 2);
        work.CountOf("default/other").ShouldBe(1);
    }

    [Fact]
    public async Task Any_other_kind_wakes_the_keys_that_a_mapping_says_and_so_does_an_outside_source()
    {
        Action<ObjectKey>? wake = null;
        var work = Start(b => b.For<ConfigMap>().Watches<Node>(n => [new("default", $"for-{n.Metadata.Name}")]).WatchesSource(w => wake = w));
        await _client.CreateAsync(new Node { Metadata = new() { Name = "n1" } });
        await work.Saw("default/for-n1", 1);
        wake!(new("default", "outside"));
        await work.Saw("default/outside", 1);
    }

    [Fact]
    public async Task What_settles_is_looked_at_once_when_its_time_is_over_however_often_it_was_woken()
    {
        Action<ObjectKey>? wake = null;
        var work = Start(b => b.For<ConfigMap>().WatchesSource(w => wake = w, TimeSpan.FromSeconds(10)));
        for (var i = 0; i < 5; i++)
        {
            wake!(new("default", "a"));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        work.CountOf("default/a").ShouldBe(0);
        _time.Advance(TimeSpan.FromSeconds(5));
        await work.Saw("default/a", 1);
        _time.Advance(TimeSpan.FromSeconds(60));
        work.CountOf("default/a").ShouldBe(1);
        wake!(new("default", "a"));
        _time.Advance(TimeSpan.FromSeconds(10));
        await work.Saw("default/a", 2);
    }

    [Fact]
    public async Task An_echo_of_low_priority_waits_for_those_who_have_news_also_where_a_refresh_is_due_some_day()
    {
        var order = new ConcurrentQueue<string>();
        using var busy = new SemaphoreSlim(0);
        var work = Start(
            b => b.For<ConfigMap>(priority: c => c.Kind is StoreChangeKind.Added ? WorkPriority.Normal : WorkPriority.Low)
                .With(o => o with { Workers = 1 }),
            async (key, ct) =>
            {
                order.Enqueue(key.Name);
                if (key.Name == "busy")
                    await busy.WaitAsync(ct);
                return ReconcileResult.After(TimeSpan.FromMinutes(5), WorkPriority.Low);
            });
        var shown = _stores.Get<ConfigMap>();
        var first = await _client.CreateAsync(Map("first"));
        await work.Saw("default/first", 1);
        await _client.CreateAsync(Map("busy"));
        await work.Saw("default/busy", 1);
        await _client.ReplaceAsync(first with { Data = new Dictionary<string, string>(StringComparer.Ordinal) { ["echo"] = "1" } });
        await _client.CreateAsync(Map("news"));
        await Eventually.True(() => shown.Find(new("default", "news")) is not null, "the store shows what came last");
        busy.Release();
        await work.Saw("default/first", 2);
        order.ShouldBe(["first", "busy", "news", "first"]);
    }

    [Fact]
    public async Task Two_controllers_on_one_kind_share_one_watch()
    {
        var one = Start(b => b.For<ConfigMap>());
        var two = Start(b => b.For<ConfigMap>().Owns<Pod>());
        await _client.CreateAsync(Map("a"));
        await one.Saw("default/a", 1);
        await two.Saw("default/a", 1);
        _client.CountOf("watch configmaps").ShouldBe(1);
    }

    [Fact]
    public async Task After_comes_again_when_its_time_has_come()
    {
        var work = Start(b => b.For<ConfigMap>(), _ => ReconcileResult.After(TimeSpan.FromMinutes(1)));
        await _client.CreateAsync(Map("a"));
        await work.Saw("default/a", 1);
        _time.Advance(TimeSpan.FromSeconds(59));
        work.CountOf("default/a").ShouldBe(1);
        await Eventually.True(_time, TimeSpan.FromSeconds(1), () => work.CountOf("default/a") == 2, "the second look");
    }

    [Fact]
    public async Task A_failure_is_tried_again_and_one_bad_key_does_not_stop_the_others()
    {
        var work = Start(b => b.For<ConfigMap>().With(o => o with { Workers = 1 }), key => key.Name switch
        {
            "throws" => throw new InvalidOperationException("a bug"),
            "fails" => ReconcileResult.Retry(new IOException("later")),
            _ => ReconcileResult.Done,
        });
        await _client.CreateAsync(Map("throws"));
        await _client.CreateAsync(Map("fails"));
        await _client.CreateAsync(Map("good"));
        await work.Saw("default/good", 1);
        await Eventually.True(
            _time, TimeSpan.FromMilliseconds(50), () => work.CountOf("default/throws") >= 4 && work.CountOf("default/fails") >= 4, "four tries each");
        work.CountOf("default/good").ShouldBe(1);
    }

    [Fact]
    public async Task Terminal_is_not_tried_again_until_the_object_changes()
    {
        var work = Start(b => b.For<ConfigMap>(), _ => ReconcileResult.Terminal(new InvalidOperationException("never")));
        await _client.CreateAsync(Map("a"));
        await work.Saw("default/a", 1);
        _time.Advance(TimeSpan.FromMinutes(5));
        await _client.CreateAsync(Map("b"));
        await work.Saw("default/b", 1);
        work.CountOf("default/a").ShouldBe(1);
        await _client.PatchAsync<ConfigMap>("a", null, Patch.Merge(new { data = new { key = "y" } }));
        await work.Saw("default/a", 2);
    }

    [Fact]
    public async Task A_reconcile_that_takes_too_long_is_cancelled_and_tried_again()
    {
        var cancelled = 0;
        var work = Start(b => b.For<ConfigMap>().With(o => o with { ReconcileTimeout = TimeSpan.FromSeconds(5) }), async (_, ct) =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, ct);
            }
            finally
            {
                Interlocked.Increment(ref cancelled);
            }

            return ReconcileResult.Done;
        });
        await _client.CreateAsync(Map("a"));
        await work.Saw("default/a", 1);
        await Eventually.True(_time, TimeSpan.FromSeconds(1), () => cancelled > 0 && work.CountOf("default/a") >= 2, "cancelled and tried again");
    }

    [Fact]
    public async Task The_resync_looks_at_every_key_again()
    {
        var work = Start(b => b.For<ConfigMap>().With(o => o with { Resync = TimeSpan.FromMinutes(10) }));
        await _client.CreateAsync(Map("a"));
        await work.Saw("default/a", 1);
        await Eventually.True(_time, TimeSpan.FromMinutes(1), () => work.CountOf("default/a") >= 3, "two resyncs");
    }

    [Fact]
    public async Task Stopping_lets_running_reconciles_end()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = false;
        var work = Start(b => b.For<ConfigMap>(), async (_, ct) =>
        {
            await release.Task.WaitAsync(ct);
            ended = true;
            return ReconcileResult.Done;
        });
        await _client.CreateAsync(Map("a"));
        await work.Saw("default/a", 1);
        await _stop.CancelAsync();
        var controller = _running[0];
        controller.IsCompleted.ShouldBeFalse();
        release.SetResult();
        await controller.WaitAsync(TimeSpan.FromSeconds(120));
        ended.ShouldBeTrue();
    }

    [Fact]
    public async Task A_reconcile_that_does_not_end_is_cancelled_after_the_grace()
    {
        var work = Start(b => b.For<ConfigMap>(), async (_, ct) =>
        {
            await Task.Delay(Timeout.Infinite, ct);
            return ReconcileResult.Done;
        });
        await _client.CreateAsync(Map("a"));
        await work.Saw("default/a", 1);
        await _stop.CancelAsync();
        await Eventually.True(_time, TimeSpan.FromSeconds(1), () => _running[0].IsCompleted, "the controller stopped");
    }

    [Fact]
    public async Task A_mapping_that_throws_loses_only_its_own_change()
    {
        var work = Start(b => b.For<ConfigMap>().Watches<Node>(n => n.Metadata.Name == "bad" ? throw new InvalidOperationException() : [new(null, "ok")]));
        await _client.CreateAsync(new Node { Metadata = new() { Name = "bad" } });
        await _client.CreateAsync(new Node { Metadata = new() { Name = "fine" } });
        await work.Saw("ok", 1);
    }

    Work Start(Func<ControllerBuilder, ControllerBuilder> build, Func<ObjectKey, ReconcileResult>? reconcile = null) =>
        Start(build, (key, _) => Task.FromResult(reconcile?.Invoke(key) ?? ReconcileResult.Done));

    Work Start(Func<ControllerBuilder, ControllerBuilder> build, Func<ObjectKey, CancellationToken, Task<ReconcileResult>> reconcile)
    {
        var work = new Work(reconcile);
        var controller = build(new ControllerBuilder("test", _stores)).Build(work);
        _running.Add(controller.RunAsync(_stop.Token));
        if (_running.Count == 1)
            _running.Add(_stores.RunAsync(_stop.Token));
        return work;
    }

    static ConfigMap Map(string name) => new()
    {
        Metadata = new() { Name = name, Namespace = "default" },
        Data = new Dictionary<string, string> { ["key"] = "x" },
    };

    sealed class Work(Func<ObjectKey, CancellationToken, Task<ReconcileResult>> reconcile) : IReconciler
    {
        readonly ConcurrentDictionary<string, int> _counts = [];

        public int CountOf(string key) => _counts.GetValueOrDefault(key);

        public Task Saw(string key, int times) => Eventually.True(() => CountOf(key) >= times, $"{key} reconciled {times} times, not {CountOf(key)}");

        public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
        {
            _counts.AddOrUpdate(key.ToString(), 1, (_, n) => n + 1);
            return reconcile(key, ct);
        }
    }
}
