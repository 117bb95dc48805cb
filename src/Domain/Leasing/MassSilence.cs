namespace Framelease.Domain.Leasing;

/// <summary>
/// Many holders that fall silent together are more likely to be unheard than dead (R5): if all of three or more leases, or more than half
/// of a pool's on different nodes, fall silent within one heartbeat interval, nothing expires there while that lasts, and for one more
/// timeout when they are heard again. Whoever is silent after that is lost, and so is whoever was silent for longer than the bound.
/// Pure bookkeeping over the leader's own monotonic clock; create one per leadership.
/// </summary>
/// <param name="longestSeconds">For so long at most a holder is kept beyond its own timeout.</param>
public sealed class MassSilence(double longestSeconds)
{
    /// <summary>Longer than most repairs of a switch or a tunnel; what waits for such slots is better placed elsewhere by then.</summary>
    public const int DefaultLongestSeconds = 1200;

    /// <summary>After so many intervals without a beat one was missed, and is not merely due.</summary>
    public const double MissedBeat = 1.5;

    /// <summary>Fewer leases than this are no mass: their silence says nothing about the path to them.</summary>
    const int Fewest = 3;

    /// <summary>When each scope's hold ends; infinite while the silence lasts.</summary>
    readonly Dictionary<string, double> _holds = new(StringComparer.Ordinal);

    /// <param name="now">Seconds, monotonic.</param>
    /// <param name="blind">The look followed a gap: every silence starts anew, and so does every judgement.</param>
    /// <returns>Who may expire now, and what has to be told.</returns>
    public Verdict Judge(double now, IReadOnlyCollection<Holder> holders, bool blind = false)
    {
        var told = new List<Change>();
        if (blind)
            EndAll(told);
        var pools = holders.GroupBy(h => h.Pool, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.ToList(), StringComparer.Ordinal);
        var all = holders.ToList();
        Look(Everywhere, all, q => q.Count >= Fewest && q.Count == all.Count, now, told);
        foreach (var (pool, members) in pools)
            Look(pool, members, q => q.Count * 2 > members.Count && q.Select(h => h.Node).Distinct(StringComparer.Ordinal).Count() > 1, now,
                told);
        foreach (var gone in _holds.Keys.Where(k => k != Everywhere && !pools.ContainsKey(k)).ToList())
            End(gone, told);
        return new Verdict([.. holders.Where(h => h.IsSilent && !IsHeld(h)).Select(h => h.Lease)], told);
    }

    /// <summary>The scope that is no pool: all leases there are.</summary>
    public const string Everywhere = "";

    void Look(string scope, List<Holder> members, Func<List<Holder>, bool> isMass, double now, List<Change> told)
    {
        var quiet = members.Where(h => h.SilentSeconds > h.NearlySilentSeconds).ToList();
        var mass = isMass(quiet);
        if (_holds.TryGetValue(scope, out var until))
        {
            if (mass)
                _holds[scope] = double.PositiveInfinity;
            else if (double.IsPositiveInfinity(until))
                _holds[scope] = now + members.Select(h => h.TimeoutSeconds).DefaultIfEmpty(0).Max();
            else if (now >= until)
                End(scope, told);
        }
        else if (mass && members.Exists(h => h.IsSilent))
        {
            _holds[scope] = double.PositiveInfinity;
            told.Add(new Change(scope, Begins: true, quiet.Count));
        }
    }

    // Each holder's own bound, so that no flapping path keeps one that is dead.
    bool IsHeld(Holder h) =>
        (_holds.ContainsKey(Everywhere) || _holds.ContainsKey(h.Pool)) && h.SilentSeconds < h.TimeoutSeconds + longestSeconds;

    void EndAll(List<Change> told)
    {
        foreach (var scope in _holds.Keys.ToList())
            End(scope, told);
    }

    void End(string scope, List<Change> told)
    {
        _holds.Remove(scope);
        told.Add(new Change(scope, Begins: false, 0));
    }

    /// <param name="Pool">Never empty; attempts without a lease have a pool of their own name.</param>
    /// <param name="SilentSeconds">By both witnesses.</param>
    /// <param name="IsSilent">Both witnesses call it silent: alone, it would expire now.</param>
    public sealed record Holder(string Lease, string Pool, string Node, double SilentSeconds, double IntervalSeconds, double TimeoutSeconds,
        bool IsSilent)
    {
        /// <summary>
        /// Beats are spread over one interval: those who fall silent together cross the timeout within one interval of each other.
        /// </summary>
        internal double NearlySilentSeconds => Math.Max(MissedBeat * IntervalSeconds, TimeoutSeconds - IntervalSeconds);
    }

    /// <param name="Scope">A pool, or <see cref="Everywhere"/>.</param>
    public sealed record Change(string Scope, bool Begins, int Leases);

    public sealed record Verdict(IReadOnlyList<string> Expire, IReadOnlyList<Change> Told);
}
