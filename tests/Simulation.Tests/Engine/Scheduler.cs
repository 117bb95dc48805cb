namespace Framelease.Simulation.Tests.Engine;

/// <summary>
/// One simulated world on one thread: processes, each a task scheduler, and one queue of timers. What is ready to run is picked by the
/// seed; when nothing is, time jumps to the next timer. The same seed takes the same steps, in any process and on any machine: no thread
/// pool, no wall clock, no hash order. Code that hops to the thread pool is refused, since nothing could replay it.
/// </summary>
sealed class Scheduler(int seed)
{
    readonly List<(SimProcess Process, Task Task)> _ready = [];
    readonly PriorityQueue<SimTimer, (long Due, long Order)> _timers = new();
    readonly int _thread = Environment.CurrentManagedThreadId;
    readonly Queue<string> _trace = new();
    long _order;
    Exception? _failure;

    /// <summary>Steps of the trace that a failure shows.</summary>
    static readonly int LastSteps = int.TryParse(Environment.GetEnvironmentVariable("FRAMELEASE_SIM_STEPS"), out var steps) ? steps : 60;

    public Random Chance { get; } = new(seed);

    /// <summary>True time: ticks of 100 ns since the beginning of the world. No process sees it directly.</summary>
    public long Now { get; private set; }

    public long Steps { get; private set; }

    /// <summary>A hash over everything that was said: two runs of a seed are the same if these are.</summary>
    public ulong Digest { get; private set; } = 14695981039346656037;

    /// <summary>Called after every step of every process.</summary>
    public Action? AfterStep { get; set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(Now);

    public IEnumerable<string> Trace => _trace;

    public SimProcess Process(string name) => new(this, name);

    /// <summary>Says what happened: part of the digest, and of the last steps that a failure prints.</summary>
    public void Say(string what)
    {
        var line = $"{Elapsed.TotalSeconds,10:0.000} {what}";
        foreach (var c in line)
            Digest = (Digest ^ c) * 1099511628211;
        _trace.Enqueue(line);
        if (_trace.Count > LastSteps)
            _trace.Dequeue();
    }

    /// <summary>Ends the run after this step.</summary>
    public void Fail(Exception why) => _failure ??= why;

    public void ThrowIfFailed()
    {
        if (_failure is not null)
            throw _failure;
    }

    /// <summary>Runs until nothing can happen any more, or true time is up.</summary>
    public void Run(TimeSpan until)
    {
        while (Next(until.Ticks))
        {
            Steps++;
            AfterStep?.Invoke();
            ThrowIfFailed();
        }
    }

    bool Next(long until)
    {
        if (_ready.Count > 0)
        {
            var at = _ready.Count == 1 ? 0 : Chance.Next(_ready.Count);
            var (process, task) = _ready[at];
            _ready[at] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
            process.Execute(task);
            return true;
        }

        while (_timers.TryPeek(out var timer, out var due))
        {
            if (due.Due > until)
                break;
            _timers.Dequeue();
            if (!timer.IsCurrent(due.Order))
                continue;
            Now = Math.Max(Now, due.Due);
            timer.Fire();
            return true;
        }

        Now = until;
        return false;
    }

    internal void Ready(SimProcess process, Task task)
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            // Thrown here, it would be lost with that thread.
            Fail(new InvalidOperationException($"{process.Name}: work came back from another thread: {task} {Environment.StackTrace}"));
            return;
        }

        _ready.Add((process, task));
    }

    internal long Schedule(SimTimer timer, long due)
    {
        var order = ++_order;
        _timers.Enqueue(timer, (due, order));
        return order;
    }

    internal void Drop(SimProcess process) => _ready.RemoveAll(r => r.Process == process);
}
