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
    int _servers = 1;

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

    /// <summary>Looks at liveness and at queues that the caller of the running query took last: what it decides now, it decided on them.</summary>
    public IReadOnlyDictionary<string, Look> LooksOfCaller { get; private set; } = new Dictionary<string, Look>(StringComparer.Ordinal);

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

    /// <summary>
    /// A copy of earlier takes the place of the database: what came after it never happened, and until the copy was taken over it hands out
    /// nothing (R12).
    /// </summary>
    /// <param name="isPromoted">A standby that lagged behind, on a timeline of its own; else a dump, on another server.</param>
    public void Restore(MemoryTables copy, bool isPromoted)
    {
        Database.Tables = copy.Copy();
        Database.Tables.HasAuthority = false;
        _servers++;
        if (isPromoted)
            Database.Timeline++;
        else
            Database.System = $"system-{_servers}";
        Disturb(0);
    }

    /// <param name="looks">The caller's last ones, this one among them if it is one.</param>
    /// <param name="requireAuthority">As a pool's connections do, which a restore and a fail-over end.</param>
    public T Execute<T>(string who, string what, IReadOnlyDictionary<string, Look> looks, bool requireAuthority, Func<T> work)
    {
        if (IsDown)
            throw new LedgerUnavailableException("the database is shutting down", new TimeoutException());
        if (requireAuthority && !Database.Tables.HasAuthority)
            throw new LeadershipLostException("the server's authority was not taken over");
        if (looks.TryGetValue(what, out var look))
            look.At ??= _simulation.Elapsed;
        LooksOfCaller = looks;
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

/// <summary>One look at what is decided on.</summary>
sealed class Look
{
    public const string AtLiveness = "look";

    const string AtQueue = "read queue ";

    public static bool Is(string what) => what == AtLiveness || what.StartsWith(AtQueue, StringComparison.Ordinal);

    public static string OfQueue(string pool) => AtQueue + pool;

    /// <summary>True time at which it was answered; the first time, if it arrived twice.</summary>
    public TimeSpan? At { get; set; }
}
