using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Engine;
using Framelease.Simulation.Tests.Ledger;

namespace Framelease.Simulation.Tests.World;

/// <summary>The machine that PostgreSQL runs on: its clock may jump, and it may be away.</summary>
sealed class DatabaseServer
{
    public const string Address = "postgres";

    readonly Scheduler _simulation;
    readonly List<TimeSpan> _disturbances = [];
    int _outages;

    public DatabaseServer(Scheduler simulation)
    {
        _simulation = simulation;
        Process = simulation.Process(Address);
        Database = new MemoryDatabase(() => Process.Clock.GetUtcNow());
    }

    public SimProcess Process { get; }

    public MemoryDatabase Database { get; }

    public bool IsDown => _outages > 0;

    /// <summary>Jumps up to this are tolerated (R3): they keep no beat out, and who then ends was silent for a full timeout by true time.</summary>
    public static readonly TimeSpan Tolerated = TimeSpan.FromSeconds(5);

    /// <summary>Outages may overlap: it is away until the last of them ended.</summary>
    public void Stop() => Disturb(1);

    public void Start() => Disturb(-1);

    /// <summary>The look at liveness that the caller of the running query took last: what it decides now, it decided on that.</summary>
    public Look? LookOfCaller { get; private set; }

    /// <summary>How long it had been there at that time, its clock without a jump beyond what is tolerated.</summary>
    public TimeSpan PresentFor(TimeSpan at)
    {
        var last = _disturbances.FindLastIndex(d => d <= at);
        return last < 0 ? TimeSpan.MaxValue : at - _disturbances[last];
    }

    public void Jump(TimeSpan by)
    {
        Process.Clock.Offset += by;
        if (by.Duration() > Tolerated)
            Disturb(0);
    }

    void Disturb(int outages)
    {
        _outages += outages;
        _disturbances.Add(_simulation.Elapsed);
    }

    /// <param name="look">This one, if it is a look at liveness, else the caller's last one.</param>
    public T Execute<T>(string who, string what, Look? look, Func<T> work)
    {
        if (IsDown)
            throw new LedgerUnavailableException("the database is shutting down", new TimeoutException());
        if (what is "look")
            look!.At ??= _simulation.Elapsed;
        LookOfCaller = look;
        try
        {
            var result = work();
            if (what is "set waits" || what.StartsWith("commit", StringComparison.Ordinal)
                || what.StartsWith("blind", StringComparison.Ordinal))
                _simulation.Say($"{who}: {what}");
            return result;
        }
        catch (Exception e) when (e is LedgerConflictException or LeadershipLostException or SilenceBrokenException)
        {
            _simulation.Say($"{who}: {what}: refused, {e.Message}");
            throw;
        }
    }
}

/// <summary>One look at liveness.</summary>
sealed class Look
{
    /// <summary>True time at which it was answered; the first time, if it arrived twice.</summary>
    public TimeSpan? At { get; set; }
}
