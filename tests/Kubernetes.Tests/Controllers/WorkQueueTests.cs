using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Tests.Support;

namespace Framelease.Kubernetes.Tests.Controllers;

public sealed class WorkQueueTests : IDisposable
{
    readonly ManualTimeProvider _time = new();
    readonly WorkQueue<string> _queue;

    public WorkQueueTests() => _queue = New(_time);

    public void Dispose() => _queue.Dispose();

    [Fact]
    public void A_key_that_is_added_twice_comes_out_once()
    {
        _queue.Add("a");
        _queue.Add("a");
        Take().ShouldBe("a");
        _queue.Done("a");
        Take().ShouldBeNull();
    }

    [Fact]
    public void Keys_come_out_in_the_order_in_which_they_came_due()
    {
        _queue.Add("b");
        _queue.Add("a");
        _queue.Add("b");
        Take().ShouldBe("b");
        Take().ShouldBe("a");
    }

    [Fact]
    public void A_key_added_while_it_is_worked_on_comes_out_after_done_and_not_before()
    {
        _queue.Add("a");
        Take().ShouldBe("a");
        _queue.Add("a");
        Take().ShouldBeNull();
        _queue.Done("a");
        Take().ShouldBe("a");
    }

    [Fact]
    public void A_delayed_key_comes_out_when_its_time_has_come()
    {
        _queue.AddAfter("a", TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Take().ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Take().ShouldBe("a");
    }

    [Fact]
    public void Of_two_delays_the_earlier_one_counts_whatever_the_order()
    {
        _queue.AddAfter("a", TimeSpan.FromSeconds(9));
        _queue.AddAfter("a", TimeSpan.FromSeconds(3));
        _queue.AddAfter("a", TimeSpan.FromSeconds(6));
        _time.Advance(TimeSpan.FromSeconds(3));
        Take().ShouldBe("a");
        _queue.Done("a");
        _time.Advance(TimeSpan.FromSeconds(20));
        Take().ShouldBeNull();
    }

    [Fact]
    public void Adding_a_delayed_key_makes_it_due_now_and_its_delay_is_spent()
    {
        _queue.AddAfter("a", TimeSpan.FromSeconds(9));
        _queue.Add("a");
        Take().ShouldBe("a");
        _queue.Done("a");
        _time.Advance(TimeSpan.FromSeconds(20));
        Take().ShouldBeNull();
    }

    [Fact]
    public void A_delay_asked_for_while_working_counts_from_the_asking()
    {
        _queue.Add("a");
        Take();
        _queue.AddAfter("a", TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(3));
        _queue.Done("a");
        Take().ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(2));
        Take().ShouldBe("a");
    }

    [Fact]
    public void Low_priority_comes_after_normal_and_rises_when_it_is_added_as_normal()
    {
        _queue.Add("low", WorkPriority.Low);
        _queue.Add("risen", WorkPriority.Low);
        _queue.Add("normal");
        _queue.Add("risen");
        new[] { Take(), Take(), Take(), Take() }.ShouldBe(["normal", "risen", "low", null]);
    }

    [Fact]
    public void A_key_that_is_forgotten_fails_for_the_first_time_again()
    {
        _queue.Add("a");
        Take();
        _queue.Retry("a");
        _queue.Forget("a");
        _queue.Retry("a").Failures.ShouldBe(1);
    }

    [Fact]
    public void A_retry_comes_after_its_wait()
    {
        _queue.Add("a");
        Take();
        var (wait, _) = _queue.Retry("a");
        _queue.Done("a");
        Take().ShouldBeNull();
        _time.Advance(wait + TimeSpan.FromMilliseconds(1)); // timers are whole milliseconds
        Take().ShouldBe("a");
    }

    [Fact]
    public void Waits_double_with_each_failure()
    {
        _queue.Add("a");
        Take();
        for (var failures = 1; failures <= 8; failures++)
        {
            var (wait, count) = _queue.Retry("a");
            count.ShouldBe(failures);
            var full = Math.Min(Math.Pow(2, failures - 1), 60);
            wait.TotalSeconds.ShouldBeInRange(full / 2, full);
        }
    }

    [Fact]
    public async Task A_worker_that_waits_gets_the_next_key_and_one_that_gave_up_does_not()
    {
        using var tired = new CancellationTokenSource();
        var first = _queue.TakeAsync(tired.Token).AsTask();
        var second = _queue.TakeAsync(CancellationToken.None).AsTask();
        await tired.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => first);
        _queue.Add("a");
        (await second).Key.ShouldBe("a");
    }

    [Fact]
    public async Task A_completed_queue_lets_waiting_workers_go()
    {
        var waiting = _queue.TakeAsync(CancellationToken.None).AsTask();
        _queue.Complete();
        (await waiting).HasKey.ShouldBeFalse();
        _queue.Add("a");
        (await _queue.TakeAsync(CancellationToken.None)).HasKey.ShouldBeFalse();
    }

    /// <summary>
    /// Invariants, with 10 producers and 10 workers at once and random adds, delays, priorities and retries:
    /// 1. no key is ever with two workers at the same time;
    /// 2. nothing is lost: after the last add of a key, some worker takes it (it sees a number at least as new as the one written before that add);
    /// 3. deduplicated: no more takes than wishes;
    /// 4. no deadlock: with everything done the queue is empty, and on completion every worker is let go.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20261122)]
    [InlineData(0)] // 0: a new seed each time
    public async Task Many_producers_and_workers_keep_the_contract(int seed)
    {
        if (seed == 0)
            seed = Environment.TickCount;
        const int Keys = 20, Adds = 2000;
        using var queue = New(TimeProvider.System, seed, TimeSpan.FromMilliseconds(1));
        var wished = new int[Keys];
        var seen = new int[Keys];
        var busy = new int[Keys];
        var takes = 0;
        var wishes = 0;

        async Task Produce(int number)
        {
            var random = new Random(seed + number);
            for (var i = 0; i < Adds; i++)
            {
                var key = random.Next(Keys);
                Interlocked.Increment(ref wished[key]);
                Interlocked.Increment(ref wishes);
                if (random.Next(3) == 0)
                    queue.AddAfter($"{key}", TimeSpan.FromMilliseconds(random.Next(4)), (WorkPriority)random.Next(2));
                else
                    queue.Add($"{key}", (WorkPriority)random.Next(2));
                if (random.Next(50) == 0)
                    await Task.Yield();
            }
        }

        async Task Work(int number)
        {
            var random = new Random(seed - number);
            while (true)
            {
                var taken = await queue.TakeAsync(CancellationToken.None);
                if (!taken.HasKey)
                    return;
                var key = int.Parse(taken.Key);
                Interlocked.Increment(ref busy[key]).ShouldBe(1, $"key {key} is with two workers; seed {seed}");
                Interlocked.Increment(ref takes);
                var version = Volatile.Read(ref wished[key]);
                if (random.Next(5) == 0)
                    await Task.Yield();
                if (random.Next(10) == 0)
                {
                    Interlocked.Increment(ref wishes);
                    queue.Retry(taken.Key);
                }
                else
                {
                    seen[key] = version;
                    queue.Forget(taken.Key);
                }

                Interlocked.Decrement(ref busy[key]);
                queue.Done(taken.Key);
            }
        }

        var workers = Enumerable.Range(1, 10).Select(n => Task.Run(() => Work(n))).ToArray();
        await Task.WhenAll(Enumerable.Range(1, 10).Select(n => Task.Run(() => Produce(n))));
        await Eventually.True(() => seen.SequenceEqual(wished), $"every wish is seen; seed {seed}");
        await Eventually.True(() => queue.Count == 0, $"the queue is empty; seed {seed}");
        queue.Complete();
        await Task.WhenAll(workers);
        takes.ShouldBeLessThanOrEqualTo(wishes, $"seed {seed}");
    }

    /// <summary>
    /// Invariants, against a model that is a plain list, in virtual time and one thread, with 5,000 random steps:
    /// 1. a key comes out when, and only when, the model has one that is due and not taken;
    /// 2. what comes out has the highest priority of all that are due;
    /// 3. of several wishes for a key the earliest counts; a wish made while it is worked on counts after it is given back;
    /// 4. what comes out is no longer in the queue, whatever was wished for it before.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(0)] // 0: a new seed each time
    public void Random_steps_agree_with_a_simple_model(int seed)
    {
        if (seed == 0)
            seed = Environment.TickCount;
        var random = new Random(seed);
        var wishes = new Dictionary<string, (DateTimeOffset Due, WorkPriority Priority)>();
        var taken = new HashSet<string>();
        for (var step = 0; step < 5000; step++)
        {
            var key = $"{random.Next(12)}";
            switch (random.Next(5))
            {
                case 0 or 1:
                    var (delay, priority) = (TimeSpan.FromSeconds(random.Next(3) * random.Next(5)), (WorkPriority)random.Next(2));
                    _queue.AddAfter(key, delay, priority);
                    Wish(key, _time.GetUtcNow() + delay, priority);
                    break;
                case 2:
                    _time.Advance(TimeSpan.FromSeconds(random.Next(3)));
                    break;
                case 3 when taken.Count > 0:
                    var done = taken.ElementAt(random.Next(taken.Count));
                    taken.Remove(done);
                    _queue.Done(done);
                    break;
                default:
                    var due = wishes.Where(w => w.Value.Due <= _time.GetUtcNow() && !taken.Contains(w.Key)).ToArray();
                    var got = Take();
                    (got is not null).ShouldBe(due.Length > 0, $"seed {seed}, step {step}");
                    if (got is null)
                        break;
                    due.ShouldContain(w => w.Key == got, $"seed {seed}, step {step}");
                    wishes[got].Priority.ShouldBe(due.Max(w => w.Value.Priority), $"seed {seed}, step {step}");
                    wishes.Remove(got);
                    taken.Add(got);
                    break;
            }
        }

        // A later wish does not raise the priority of one that is waiting for its time and is due earlier.
        void Wish(string key, DateTimeOffset due, WorkPriority priority)
        {
            if (!wishes.TryGetValue(key, out var before))
            {
                wishes[key] = (due, priority);
                return;
            }

            var counts = taken.Contains(key) || due < before.Due || (due <= _time.GetUtcNow() && priority > before.Priority);
            wishes[key] = (due < before.Due ? due : before.Due, counts && priority > before.Priority ? priority : before.Priority);
        }
    }

    string? Take()
    {
        using var now = new CancellationTokenSource();
        var task = _queue.TakeAsync(now.Token);
        if (task.IsCompletedSuccessfully)
            return task.Result.HasKey ? task.Result.Key : null;
        now.Cancel();
        Should.Throw<OperationCanceledException>(async () => await task);
        return null;
    }

    static WorkQueue<string> New(TimeProvider time, int seed = 5, TimeSpan? first = null) => new(
        new WorkQueueOptions { FirstRetry = first ?? TimeSpan.FromSeconds(1), LongestRetry = first * 8 ?? TimeSpan.FromSeconds(60) }, time, new Random(seed));
}
