namespace Framelease.Domain.Leasing;

/// <summary>
/// The second witness of R3, and the blindness of R5, as pure bookkeeping over the leader's own monotonic clock. PostgreSQL's clock is the first witness:
/// a lease is silent only if both say so, inside unbroken observation. Create one per leadership; times are in seconds on a monotonic clock.
/// </summary>
public sealed class LivenessWitness(double blindAfterSeconds = 5)
{
    readonly Dictionary<string, (long Sequence, double Since)> _seen = new(StringComparer.Ordinal);
    double? _lastLook;
    double _lastDatabase;

    /// <summary>
    /// Takes one look at all attached leases. Whoever looks late, or sees the two clocks disagree, was blind: every deadline starts anew.
    /// </summary>
    /// <param name="now">The leader's monotonic clock at the look.</param>
    /// <param name="databaseNow">PostgreSQL's clock at the look, in seconds.</param>
    public Look Observe(double now, double databaseNow, IReadOnlyCollection<Sighting> sightings)
    {
        var gap = _lastLook is { } last ? now - last : double.PositiveInfinity;
        var drift = _lastLook is { } l ? Math.Abs(databaseNow - _lastDatabase - (now - l)) : 0;
        var blind = gap > blindAfterSeconds || drift > blindAfterSeconds;
        _lastLook = now;
        _lastDatabase = databaseNow;
        if (blind)
            _seen.Clear();

        var silent = new List<string>();
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (var s in sightings)
        {
            present.Add(s.Lease);
            if (!_seen.TryGetValue(s.Lease, out var seen) || seen.Sequence != s.Sequence)
                _seen[s.Lease] = seen = (s.Sequence, now);
            if (s.SilentSecondsByDatabase >= s.TimeoutSeconds && now - seen.Since >= s.TimeoutSeconds)
                silent.Add(s.Lease);
        }

        foreach (var gone in _seen.Keys.Where(k => !present.Contains(k)).ToList())
            _seen.Remove(gone);
        return new Look(silent, blind && !double.IsPositiveInfinity(gap), double.IsPositiveInfinity(gap) ? 0 : gap, drift);
    }

    /// <param name="Sequence">Of the last beat that PostgreSQL holds.</param>
    /// <param name="SilentSecondsByDatabase">PostgreSQL's now minus the last beat.</param>
    public sealed record Sighting(string Lease, long Sequence, double SilentSecondsByDatabase, double TimeoutSeconds);

    /// <param name="Silent">Leases that both witnesses call silent.</param>
    /// <param name="Blind">True when this look followed a gap or a jump of a clock.</param>
    public sealed record Look(IReadOnlyList<string> Silent, bool Blind, double GapSeconds, double DriftSeconds);
}
