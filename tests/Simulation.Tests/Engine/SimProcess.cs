namespace Framelease.Simulation.Tests.Engine;

/// <summary>
/// One operating system process of the world. Everything that it awaits comes back to it, so that it can be killed or stopped between
/// any two awaits: nothing of a killed process ever runs again, not even its finally blocks.
/// </summary>
sealed class SimProcess : TaskScheduler
{
    readonly Scheduler _simulation;
    readonly List<Task> _parked = [];
    bool _paused;

    public SimProcess(Scheduler simulation, string name)
    {
        (_simulation, Name) = (simulation, name);
        Clock = new SimClock(simulation, this);
    }

    public string Name { get; }

    public SimClock Clock { get; }

    public bool IsAlive { get; private set; } = true;

    public bool IsPaused => _paused;

    /// <returns>Its outcome; an exception that nobody awaits is lost.</returns>
    public Task Run(Func<Task> body) =>
        Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this).Unwrap();

    /// <summary>Runs an action as a step of its own.</summary>
    public void Post(Action action) => Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);

    /// <summary>After a wait of true time.</summary>
    /// <returns>Dispose it to call it off.</returns>
    public IDisposable PostAfter(TimeSpan wait, Action action)
    {
        var timer = new SimTimer(_simulation, this, _ => action(), null, 1);
        timer.Change(wait, Timeout.InfiniteTimeSpan);
        return timer;
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        IsAlive = false;
        _parked.Clear();
        _simulation.Drop(this);
    }

    /// <summary>SIGSTOP: timers come due, answers arrive, and nothing runs.</summary>
    public void Pause() => _paused = true;

    /// <summary>SIGCONT.</summary>
    public void Continue()
    {
        _paused = false;
        foreach (var task in _parked)
            _simulation.Ready(this, task);
        _parked.Clear();
    }

    internal void Execute(Task task)
    {
        if (_paused)
            _parked.Add(task);
        else if (IsAlive)
            TryExecuteTask(task);
    }

    protected override void QueueTask(Task task)
    {
        if (!IsAlive)
            return;
        if (_paused)
            _parked.Add(task);
        else
            _simulation.Ready(this, task);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _parked;
}
