using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Engine;
using Framelease.Simulation.Tests.Ledger;

namespace Framelease.Simulation.Tests.World;

/// <summary>The machine that PostgreSQL runs on: its clock may jump, and it may be away.</summary>
sealed class DatabaseServer
{
    public const string Address = "postgres";

    readonly Scheduler _simulation;

    public DatabaseServer(Scheduler simulation)
    {
        _simulation = simulation;
        Process = simulation.Process(Address);
        Database = new MemoryDatabase(() => Process.Clock.GetUtcNow());
    }

    public SimProcess Process { get; }

    public MemoryDatabase Database { get; }

    public bool IsDown { get; private set; }

    /// <summary>True time at which it was last away, or its clock last jumped.</summary>
    public TimeSpan LastOutage { get; private set; } = TimeSpan.MinValue;

    public void Stop() => (IsDown, LastOutage) = (true, _simulation.Elapsed);

    public void Start() => (IsDown, LastOutage) = (false, _simulation.Elapsed);

    public void Jump(TimeSpan by)
    {
        Process.Clock.Offset += by;
        LastOutage = _simulation.Elapsed;
    }

    public T Execute<T>(string who, string what, Func<T> work)
    {
        if (IsDown)
            throw new LedgerUnavailableException("the database is shutting down", new TimeoutException());
        try
        {
            var result = work();
            if (what.StartsWith("commit", StringComparison.Ordinal) || what.StartsWith("blind", StringComparison.Ordinal) || what is "set waits")
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
