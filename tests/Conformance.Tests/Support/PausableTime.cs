namespace Framelease.Conformance.Tests.Support;

/// <summary>The real clock of a process that can be stopped, as by SIGSTOP: time goes on, and no timer of it fires until it is resumed.</summary>
public sealed class PausableTime : TimeProvider
{
    readonly Lock _lock = new();
    readonly List<Action> _held = [];
    bool _paused;

    public void Pause()
    {
        lock (_lock)
            _paused = true;
    }

    public void Resume()
    {
        Action[] due;
        lock (_lock)
        {
            _paused = false;
            due = [.. _held];
            _held.Clear();
        }

        foreach (var fire in due)
            fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => System.CreateTimer(
        s =>
        {
            lock (_lock)
            {
                if (_paused)
                {
                    _held.Add(() => callback(s));
                    return;
                }
            }

            callback(s);
        },
        state, dueTime, period);
}
