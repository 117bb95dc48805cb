// Keys that need work: deduplicated, delayed, never handed out twice at once.
using Framelease.Kubernetes.Diagnostics;

namespace Framelease.Kubernetes.Controllers;

/// <summary>How soon a key that is due gets its turn.</summary>
public enum WorkPriority
{
    /// <summary>After everything normal: resyncs.</summary>
    Low,
    Normal,
}

/// <summary>Waits of a queue.</summary>
public sealed record WorkQueueOptions
{
    /// <summary>Name in metrics.</summary>
    public string Name { get; init; } = "queue";

    /// <summary>Wait after a key's first failure; it doubles with each further one. Default 50 ms.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest wait between two tries. Default 2 minutes.</summary>
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>
/// The contract: a key is in the queue at most once; of several wishes for it the earliest counts, and the higher priority; it is never taken
/// while it is being worked on, and what is added meanwhile comes due after <see cref="Done"/>; keys of one priority come out in the order in
/// which they came due. Thread-safe.
/// </summary>
public sealed class WorkQueue<TKey> : IDisposable
    where TKey : notnull
{
    const long Never = long.MaxValue;

    readonly Lock _lock = new();
    readonly Dictionary<TKey, Entry> _entries = [];
    readonly Queue<Ticket> _normal = new(), _low = new();
    readonly PriorityQueue<Ticket, long> _delayed = new();
    readonly Queue<TaskCompletionSource<Taken>> _waiters = new();
    readonly WorkQueueOptions _options;
    readonly TimeProvider _time;
    readonly Jitter _jitter;
    readonly ITimer _timer;
    long _timerDue = Never;
    int _ready;
    bool _completed;

    /// <param name="random">Jitter of retries; may be shared with other parts of this library, which take turns.</param>
    public WorkQueue(WorkQueueOptions options, TimeProvider time, Random random)
        : this(options, time, new Jitter(random))
    {
    }

    internal WorkQueue(WorkQueueOptions options, TimeProvider time, Jitter jitter)
    {
        (_options, _time, _jitter) = (options, time, jitter);
        _timer = time.CreateTimer(static queue => ((WorkQueue<TKey>)queue!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Keys that are due and wait for a worker.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _ready;
        }
    }

    /// <summary>Makes the key due now.</summary>
    public void Add(TKey key, WorkPriority priority = WorkPriority.Normal) => AddAt(key, 0, priority);

    /// <summary>Makes the key due after <paramref name="delay"/>, unless it is due earlier anyway.</summary>
    public void AddAfter(TKey key, TimeSpan delay, WorkPriority priority = WorkPriority.Normal) =>
        AddAt(key, delay <= TimeSpan.Zero ? 0 : _time.GetTimestamp() + Ticks(delay), priority);

    /// <summary>Counts a failure of the key and makes it due after a wait that grows with the failures in a row. Call it before <see cref="Done"/>.</summary>
    /// <returns>The wait, and the failures so far.</returns>
    public (TimeSpan Wait, int Failures) Retry(TKey key)
    {
        int failures;
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry))
                _entries[key] = entry = new();
            failures = ++entry.Failures;
        }

        var wait = _jitter.Backoff(_options.FirstRetry, _options.LongestRetry, failures);
        AddAfter(key, wait);
        return (wait, failures);
    }

    /// <summary>The key is well again: its next failure counts as the first.</summary>
    public void Forget(TKey key)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var entry))
                entry.Failures = 0;
        }
    }

    /// <summary>The next key that is due, once there is one. Every key taken must be given back by <see cref="Done"/>.</summary>
    /// <returns>No key: the queue is completed.</returns>
    public ValueTask<Taken> TakeAsync(CancellationToken ct)
    {
        TaskCompletionSource<Taken> waiter;
        lock (_lock)
        {
            if (_completed)
                return new(default(Taken));
            if (TryDequeue() is { } ready)
                return new(ready);
            waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Enqueue(waiter);
        }

        return ct.CanBeCanceled ? WaitAsync(waiter, ct) : new(waiter.Task);
    }

    /// <summary>Gives a taken key back; if it was added meanwhile, it comes due again.</summary>
    public void Done(TKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry) || entry.State != State.Running)
                throw new InvalidOperationException($"{key} is not being worked on");
            var (due, priority) = (entry.Due, entry.Priority);
            if (due == Never)
            {
                _entries.Remove(key);
                return;
            }

            entry.State = State.Idle;
            Schedule(key, entry, due, priority);
        }
    }

    /// <summary>No key is handed out any more; those who wait get none.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _completed = true;
            while (_waiters.TryDequeue(out var waiter))
                waiter.TrySetResult(default);
        }
    }

    public void Dispose()
    {
        Complete();
        _timer.Dispose();
        lock (_lock)
        {
            KubernetesMetrics.QueueChanged(_options.Name, -_ready);
            _ready = 0;
        }
    }

    void AddAt(TKey key, long due, WorkPriority priority)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry))
                _entries[key] = entry = new();
            Schedule(key, entry, due, priority);
        }
    }

    void Schedule(TKey key, Entry entry, long due, WorkPriority priority)
    {
        switch (entry.State)
        {
            case State.Running:
                entry.Due = Math.Min(entry.Due, due);
                entry.Priority = Max(entry.Priority, priority);
                break;
            case State.Ready when priority > entry.Priority && due == 0:
                entry.Priority = priority;
                _normal.Enqueue(new(key, entry, ++entry.Version)); // the ticket in the other queue is void now
                break;
            case State.Ready:
                break;
            case State.Delayed when due >= entry.Due && due != 0:
                break;
            default:
                var isDue = due == 0 || due <= _time.GetTimestamp();
                entry.Priority = entry.State == State.Delayed ? Max(entry.Priority, priority) : priority;
                if (isDue)
                    MakeReady(key, entry);
                else
                    Delay(key, entry, due);
                break;
        }
    }

    void Delay(TKey key, Entry entry, long due)
    {
        entry.State = State.Delayed;
        entry.Due = due;
        _delayed.Enqueue(new(key, entry, ++entry.Version), due);
        Arm();
    }

    void MakeReady(TKey key, Entry entry)
    {
        entry.Version++;
        while (_waiters.TryDequeue(out var waiter))
        {
            if (!waiter.TrySetResult(new(key)))
                continue; // it gave up waiting
            Run(entry);
            return;
        }

        entry.State = State.Ready;
        (entry.Priority == WorkPriority.Normal ? _normal : _low).Enqueue(new(key, entry, entry.Version));
        _ready++;
        KubernetesMetrics.QueueChanged(_options.Name, 1);
    }

    Taken? TryDequeue()
    {
        while (_normal.TryDequeue(out var ticket) || _low.TryDequeue(out ticket))
        {
            if (ticket.Version != ticket.Entry.Version || ticket.Entry.State != State.Ready)
                continue;
            Run(ticket.Entry);
            _ready--;
            KubernetesMetrics.QueueChanged(_options.Name, -1);
            return new(ticket.Key);
        }

        return null;
    }

    static void Run(Entry entry)
    {
        entry.State = State.Running;
        entry.Due = Never;
        entry.Priority = WorkPriority.Low;
        entry.Version++;
    }

    void OnTimer()
    {
        lock (_lock)
        {
            _timerDue = Never;
            var now = _time.GetTimestamp();
            while (_delayed.TryPeek(out var ticket, out var due) && (due <= now || ticket.IsVoid))
            {
                _delayed.Dequeue();
                if (!ticket.IsVoid)
                    MakeReady(ticket.Key, ticket.Entry);
            }

            Arm();
        }
    }

    /// <summary>Sets the timer to the earliest delayed key.</summary>
    void Arm()
    {
        while (_delayed.TryPeek(out var ticket, out _) && ticket.IsVoid)
            _delayed.Dequeue();
        if (!_delayed.TryPeek(out _, out var due) || due == _timerDue)
            return;
        _timerDue = due;

        // Rounded up, or the timer would run a moment too early and again; a day at most, or a far future would overflow timers.
        var wait = TimeSpan.FromMilliseconds(Math.Ceiling((due - _time.GetTimestamp()) * 1000.0 / _time.TimestampFrequency));
        _timer.Change(Clamp(wait), Timeout.InfiniteTimeSpan);
    }

    static TimeSpan Clamp(TimeSpan wait) =>
        wait < TimeSpan.Zero ? TimeSpan.Zero : wait > TimeSpan.FromDays(1) ? TimeSpan.FromDays(1) : wait;

    long Ticks(TimeSpan delay) => (long)(Math.Min(delay.TotalSeconds, TimeSpan.FromDays(3650).TotalSeconds) * _time.TimestampFrequency);

    static WorkPriority Max(WorkPriority a, WorkPriority b) => a > b ? a : b;

    static async ValueTask<Taken> WaitAsync(TaskCompletionSource<Taken> waiter, CancellationToken ct)
    {
        await using var registration = ct.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<Taken>)state!).TrySetCanceled(token), waiter);
        return await waiter.Task;
    }

    /// <summary>A key that was handed out, or none.</summary>
    public readonly record struct Taken
    {
        internal Taken(TKey key) => (Key, HasKey) = (key, true);

        public bool HasKey { get; }

        public TKey Key { get; } = default!;
    }

    enum State
    {
        Idle,
        Delayed,
        Ready,
        Running,
    }

    sealed class Entry
    {
        public State State;

        /// <summary>Delayed: when. Running: when it comes due after <see cref="Done"/>, 0 for at once, <see cref="Never"/> for not.</summary>
        public long Due;
        public WorkPriority Priority;
        public int Failures;

        /// <summary>A ticket with an older version is void.</summary>
        public int Version;
    }

    readonly record struct Ticket(TKey Key, Entry Entry, int Version)
    {
        public bool IsVoid => Version != Entry.Version || Entry.State != State.Delayed;
    }
}
