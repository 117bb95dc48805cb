namespace Framelease.Simulation.Tests.Engine;

/// <summary>The clocks of one process: a wall clock that may jump, and a monotonic one that may run too fast or too slow.</summary>
sealed class SimClock(Scheduler simulation, SimProcess process) : TimeProvider
{
    static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    double _rate = 1;
    long _rateSince;
    long _atRateChange;

    /// <summary>How far the wall clock is ahead of true time.</summary>
    public TimeSpan Offset { get; set; }

    /// <summary>Seconds of this process in a true second.</summary>
    public double Rate
    {
        get => _rate;
        set
        {
            _atRateChange = Local();
            _rateSince = simulation.Now;
            _rate = value;
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => Begin.AddTicks(Local()) + Offset;

    public override long GetTimestamp() => Local();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(simulation, process, callback, state, _rate);
        timer.Change(dueTime, period);
        return timer;
    }

    long Local() => _atRateChange + (long)((simulation.Now - _rateSince) * _rate);
}

/// <summary>A timer whose callback runs as a step of its process.</summary>
sealed class SimTimer(Scheduler simulation, SimProcess process, TimerCallback callback, object? state, double rate) : ITimer
{
    long _current;
    TimeSpan _period;

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        _period = period;
        _current = 0;
        if (dueTime >= TimeSpan.Zero)
            _current = simulation.Schedule(this, simulation.Now + (long)(dueTime.Ticks / rate));
        return true;
    }

    public bool IsCurrent(long order) => _current == order && process.IsAlive;

    public void Fire()
    {
        _current = 0;
        process.Post(() => callback(state));
        if (_period > TimeSpan.Zero)
            _current = simulation.Schedule(this, simulation.Now + (long)(_period.Ticks / rate));
    }

    public void Dispose() => _current = 0;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
