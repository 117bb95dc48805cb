using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Engine;
using Framelease.Simulation.Tests.Ledger;

namespace Framelease.Simulation.Tests.World;

/// <summary>The machine that PostgreSQL runs on: its clock may jump, and it may be away.</summary>
sealed class DatabaseServer
{
    public const string Address = "postgres";

    readonly Scheduler _simulation;
    readonly List<(TimeSpan At, bool IsDown)> _disturbances = [];
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

    /// <summary>The longest stretch since then in which it was there all the time, and its clock did not jump by more than is tolerated.</summary>
    public TimeSpan LongestPresence(TimeSpan since)
    {
        var (longest, from, isDown) = (TimeSpan.Zero, since, false);
        foreach (var (at, downThen) in _disturbances.Append((_simulation.Elapsed, IsDown)))
        {
            if (at > from && !isDown)
                longest = at - from > longest ? at - from : longest;
            (from, isDown) = (at > from ? at : from, downThen);
        }

        return longest;
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
        _disturbances.Add((_simulation.Elapsed, IsDown));
    }

    public T Execute<T>(string who, string what, Func<T> work)
    {
        if (IsDown)
            throw new LedgerUnavailableException("the database is shutting down", new TimeoutException());
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
