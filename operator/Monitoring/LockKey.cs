using System.Globalization;

namespace Framelease.Operator.Monitoring;

/// <summary>Finds the slot that a name means: <c>gpu_lock:N</c>, as the old system named device N, or our own names.</summary>
static class LockKey
{
    const string Old = "gpu_lock:";

    /// <param name="slots">All slots of the platform.</param>
    public static Resolution Resolve(string key, IReadOnlyList<SlotRow> slots)
    {
        List<SlotRow> named = [.. slots.Where(s => IsNamed(key, s))];
        if (named.Count == 0)
            return new Resolution.Unknown();
        if (named.Select(s => (s.Node, s.Device)).Distinct().Count() > 1)
            return new Resolution.Ambiguous([.. named.Select(Name)]);
        // One device may have several slots: what is free needs no release.
        List<SlotRow> held = [.. named.Where(s => s.State != "Free")];
        return held.Count switch
        {
            0 => new Resolution.NotHeld([.. named.Select(Name)]),
            1 => new Resolution.Found(held[0]),
            _ => new Resolution.Ambiguous([.. held.Select(Name)]),
        };
    }

    public static string Name(SlotRow s) => $"{s.Node}/{s.Device}#{s.Slot.ToString(CultureInfo.InvariantCulture)}";

    static bool IsNamed(string key, SlotRow s) =>
        key.StartsWith(Old, StringComparison.Ordinal)
            ? int.TryParse(key.AsSpan(Old.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) && s.Index == index
            : key == s.Device || key == $"{s.Node}/{s.Device}" || key == Name(s);

    /// <summary>What a name turned out to mean.</summary>
    public abstract record Resolution
    {
        Resolution()
        {
        }

        public sealed record Found(SlotRow Slot) : Resolution;

        public sealed record Unknown : Resolution;

        /// <param name="Names">All slots that it may mean.</param>
        public sealed record Ambiguous(IReadOnlyList<string> Names) : Resolution;

        public sealed record NotHeld(IReadOnlyList<string> Names) : Resolution;
    }
}
