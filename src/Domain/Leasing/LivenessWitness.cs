namespace Framelease.Domain.Leasing;

/// <summary>
/// The second witness of R3, and the blindness of R5, as pure bookkeeping over the leader's own monotonic clock. PostgreSQL's clock is the
/// first witness: a lease is silent only if both say so, inside unbroken observation. Create one per leadership and look, or glance, at least
/// once a second; times are in seconds.
/// </summary>
/// <param name="blindAfterSeconds">A longer gap between two looks, or a larger disagreement of the two clocks over it, is blindness.
/// Default 5 (R3, R5).</param>
public sealed class LivenessWitness(double blindAfterSeconds = 5)
{
    readonly Dictionary<string, Watch> _seen = new(StringComparer.Ordinal);
    LookTimes? _last;
    bool _failed;

    /// <summary>
    /// Seconds from the last look or glance until the soonest time of those that are watched is over by our clock, if nobody beats; infinite
    /// when nobody is watched whose time is not over yet.
    /// </summary>
    public double SoonestSeconds => _seen.Values.Where(w => !w.IsOver).Select(w => w.LeftSeconds).DefaultIfEmpty(double.PositiveInfinity).Min();

    /// <summary>
    /// A look found no answer. Beats found none either, however short it was: the next look starts every deadline anew (R5).
    /// </summary>
    public void Fail() => _failed = true;

    /// <summary>
    /// Takes one look at all attached leases. Whoever looks late, or waits long for the answer, or sees the two clocks disagree, was blind:
    /// every deadline starts anew.
    /// </summary>
    public Look Observe(LookTimes times, IReadOnlyCollection<Sighting> sightings)
    {
        var step = Step.Between(_last, times);
        var blind = _failed || step.IsBlind(blindAfterSeconds);
        _failed = false;
        _last = times;
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
                _seen[s.Lease] = new Watch(s, times.DatabaseNow);
                seconds[s.Lease] = 0;
                continue;
            }

            watch.Add(step.Gap);

            // PostgreSQL's clock may have been set back behind the last beat; what it itself measured since this watch began is then the
            // truth.
            var byDatabase = Math.Max(s.SilentSecondsByDatabase, times.DatabaseNow - watch.DatabaseStart);
            seconds[s.Lease] = Math.Min(byDatabase, watch.SilentSeconds);
            if (byDatabase >= s.TimeoutSeconds && watch.IsOver)
                silent.Add(s.Lease);
        }

        foreach (var gone in _seen.Keys.Where(k => !present.Contains(k)).ToList())
            _seen.Remove(gone);
        return new Look(silent, blind, Math.Max(step.Gap, step.Way), step.Drift, seconds);
    }

    /// <summary>
    /// Takes a glance between two looks: only at the leases that beat since. It dates a new sequence as exactly as a look does, at a fraction
    /// of its cost, and decides nothing.
    /// </summary>
    /// <returns>True when a look is due now: somebody's time may be over, or this glance was blind, which the look will then say.</returns>
    public bool Glance(LookTimes times, IReadOnlyCollection<Sighting> beaten)
    {
        var step = Step.Between(_last, times);
        if (_failed || _last is null || step.IsBlind(blindAfterSeconds))
        {
            _failed = true;
            return true;
        }

        _last = times;
        var isOver = false;
        foreach (var watch in _seen.Values)
        {
            watch.Add(step.Gap);
            isOver |= watch.IsOver;
        }

        foreach (var s in beaten)
        {
            if (!_seen.TryGetValue(s.Lease, out var watch) || watch.Sequence != s.Sequence)
                _seen[s.Lease] = new Watch(s, times.DatabaseNow);
        }

        return isOver;
    }

    /// <summary>How long one sequence number stood, by our clock, and when by PostgreSQL's we first saw it.</summary>
    sealed class Watch(Sighting first, double databaseNow)
    {
        public long Sequence { get; } = first.Sequence;

        public double DatabaseStart { get; } = databaseNow;

        public double SilentSeconds { get; private set; }

        public double LeftSeconds => first.TimeoutSeconds - SilentSeconds;

        public bool IsOver => LeftSeconds <= 0;

        // While nobody looked, beats may have found no open door. So of one gap at most half a timeout counts: a timeout shorter than the
        // tolerated gap would otherwise expire every holder in the first look after a short stall of the authority.
        public void Add(double gap) => SilentSeconds += Math.Min(gap, first.TimeoutSeconds / 2);
    }

    /// <summary>From one look to the next.</summary>
    /// <param name="Gap">From the answer of the one to the question of the other.</param>
    /// <param name="Way">From this one's question to its answer.</param>
    /// <param name="Drift">By how much the two clocks disagree over it.</param>
    sealed record Step(double Gap, double Way, double Drift)
    {
        public static Step Between(LookTimes? last, LookTimes times)
        {
            if (last is null)
                return new Step(0, times.Answered - times.Asked, 0);
            // PostgreSQL read its clock somewhere between question and answer. What lies outside of what that allows is disagreement.
            var byDatabase = times.DatabaseNow - last.DatabaseNow;
            var drift = Math.Max(0, Math.Max(times.Asked - last.Answered - byDatabase, byDatabase - (times.Answered - last.Asked)));
            return new Step(times.Asked - last.Answered, times.Answered - times.Asked, drift);
        }

        public bool IsBlind(double after) => Gap > after || Way > after || Drift > after;
    }

    /// <summary>
    /// When a look was taken. Silence is counted from the answer of one look to the question of the next: time lost on the way of either must
    /// not count.
    /// </summary>
    /// <param name="Asked">The leader's monotonic clock before the query was sent, in seconds.</param>
    /// <param name="Answered">The same clock when the answer was there.</param>
    /// <param name="DatabaseNow">PostgreSQL's clock at the look, in seconds.</param>
    public sealed record LookTimes(double Asked, double Answered, double DatabaseNow);

    /// <param name="Sequence">Of the last beat that PostgreSQL holds.</param>
    /// <param name="SilentSecondsByDatabase">PostgreSQL's now minus the last beat.</param>
    public sealed record Sighting(string Lease, long Sequence, double SilentSecondsByDatabase, double TimeoutSeconds);

    /// <param name="Silent">Leases that both witnesses call silent.</param>
    /// <param name="Blind">True when this look followed a gap or a look that failed, waited too long, or saw a clock jump.</param>
    /// <param name="GapSeconds">Since the answer of the look before, or the way of this one if that was longer.</param>
    /// <param name="DriftSeconds">By how much the two clocks disagree since the look before.</param>
    /// <param name="SilentSeconds">How long each lease has been silent for certain: by both witnesses.</param>
    public sealed record Look(
        IReadOnlyList<string> Silent, bool Blind, double GapSeconds, double DriftSeconds, IReadOnlyDictionary<string, double> SilentSeconds);
}
