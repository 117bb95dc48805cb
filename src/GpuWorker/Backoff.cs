namespace Framelease.GpuWorker;

/// <summary>Full jitter: a wait drawn evenly from nothing to a bound that doubles, so that a thousand workers do not come back together.</summary>
sealed class Backoff(Random chance, TimeSpan first, TimeSpan most)
{
    int _failures;

    /// <param name="asked">What the other side asked for; a wait is no shorter, up to a minute.</param>
    public TimeSpan Next(TimeSpan? asked = null)
    {
        var bound = Math.Min(most.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 30)));
        var wait = TimeSpan.FromMilliseconds(chance.NextDouble() * bound);
        var least = asked > TimeSpan.FromMinutes(1) ? TimeSpan.FromMinutes(1) : asked ?? TimeSpan.Zero;
        return wait > least ? wait : least + (wait / 4);
    }

    public void Reset() => _failures = 0;
}
