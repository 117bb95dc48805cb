namespace Framelease.Domain.Leasing;

/// <summary>
/// The second witness of R3, and the blindness of R5, as pure bookkeeping over the leader's own monotonic clock. PostgreSQL's clock is the
/// first witness: a lease is silent only if both say so, inside unbroken observation. Create one per leadership and look at least once a
/// second; times are in seconds.
/// </summary>
/// <param name="blindAfterSeconds">A longer gap between two looks, or a larger disagreement of the two clocks over it, is blindness.
/// Default 5 (R3, R5).</param>
public sealed class LivenessWitness(double blindAfterSeconds = 5)
{
    readonly Dictionary<string, Watch> _seen = new(StringComparer.Ordinal);
    double? _lastLook;
    bool _failed;
    double _lastDatabase;

    /// <summary>
    /// A look found no answer. Beats found none either, however short it was: the next look starts every deadline anew (R5).
    /// </summary>
    public void Fail() => _failed = true;

    /// <summary>
    /// Takes one look at all attached leases. Whoever looks late, or sees the two clocks disagree, was blind: every deadline starts anew.
    /// </summary>
    /// <param name="now">The leader's monotonic clock, read before the query was sent: time lost on the way must not count as
    /// silence.</param>
    /// <param name="databaseNow">PostgreSQL's clock at the look, in seconds.</param>
    public Look Observe(double now, double databaseNow, IReadOnlyCollection<Sighting> sightings)
    {
        var first = _lastLook is null;
        var gap = now - (_lastLook ?? now);
        var drift = first ? 0 : Math.Abs(databaseNow - _lastDatabase - gap);
        var blind = _failed || gap > blindAfterSeconds || drift > blindAfterSeconds;
        _failed = false;
        _lastLook = now;
        _lastDatabase = databaseNow;
        if (blind)
            _seen.Clear();

        var silent = new List<string>();
        var seconds = new Dictionary<string, double>(StringComparer.Ordinal);
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (var s in sightings)
        {
            present.Add(s.Lease);
            if (!_seen.TryGetValue(s.Lease, out var watch) || watch.Sequence != s.Sequence)
            {
                _seen[s.Lease] = new Watch(s.Sequence, 0, databaseNow);
                seconds[s.Lease] = 0;
                continue;
            }

            // While nobody looked, beats may have found no open door. So of one gap at most half a timeout counts: a timeout shorter than
            // the tolerated gap would otherwise expire every holder in the first look after a short stall of the authority.
            _seen[s.Lease] = watch = watch with { SilentSeconds = watch.SilentSeconds + Math.Min(gap, s.TimeoutSeconds / 2) };

            // PostgreSQL's clock may have been set back behind the last beat; what it itself measured since this watch began is then the
            // truth.
            var byDatabase = Math.Max(s.SilentSecondsByDatabase, databaseNow - watch.DatabaseStart);
            seconds[s.Lease] = Math.Min(byDatabase, watch.SilentSeconds);
            if (byDatabase >= s.TimeoutSeconds && watch.SilentSeconds >= s.TimeoutSeconds)
                silent.Add(s.Lease);
        }

        foreach (var gone in _seen.Keys.Where(k => !present.Contains(k)).ToList())
            _seen.Remove(gone);
        return new Look(silent, blind, gap, drift, seconds);
    }

    /// <summary>How long one sequence number stood, by our clock, and when by PostgreSQL's we first saw it.</summary>
    sealed record Watch(long Sequence, double SilentSeconds, double DatabaseStart);

    /// <param name="Sequence">Of the last beat that PostgreSQL holds.</param>
    /// <param name="SilentSecondsByDatabase">PostgreSQL's now minus the last beat.</param>
    public sealed record Sighting(string Lease, long Sequence, double SilentSecondsByDatabase, double TimeoutSeconds);

    /// <param name="Silent">Leases that both witnesses call silent.</param>
    /// <param name="Blind">True when this look followed a gap, a look that failed, or a jump of a clock.</param>
    /// <param name="SilentSeconds">How long each lease has been silent for certain: by both witnesses.</param>
    public sealed record Look(
        IReadOnlyList<string> Silent, bool Blind, double GapSeconds, double DriftSeconds, IReadOnlyDictionary<string,
            double> SilentSeconds);
}
