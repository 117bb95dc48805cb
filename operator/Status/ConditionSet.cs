using Framelease.Kubernetes.Models;

namespace Framelease.Operator.Status;

/// <summary>Builds a list of conditions that keeps a transition time while the status stays the same (API conventions).</summary>
sealed class ConditionSet(IReadOnlyList<Condition>? previous, long? generation, DateTimeOffset now)
{
    readonly List<Condition> _conditions = [];

    public void True(string type, string reason, string message, DateTimeOffset? at = null) => Add(type, "True", reason, message, at);

    public void False(string type, string reason, string message, DateTimeOffset? at = null) => Add(type, "False", reason, message, at);

    public void Unknown(string type, string reason, string message) => Add(type, "Unknown", reason, message, null);

    public void Set(string type, bool status, string reason, string message, DateTimeOffset? at = null) =>
        Add(type, status ? "True" : "False", reason, message, at);

    /// <summary>Leaves a condition that somebody else writes as it was.</summary>
    public void Keep(string type) => _conditions.AddRange(previous?.Where(c => c.Type == type) ?? []);

    public IReadOnlyList<Condition> ToList() => _conditions;

    // The event's own time when there is one; else the time at which this status was first seen.
    void Add(string type, string status, string reason, string message, DateTimeOffset? at)
    {
        var before = previous?.FirstOrDefault(c => c.Type == type);
        var since = at ?? (before?.Status == status ? before.LastTransitionTime : now);
        _conditions.Add(new Condition(type, status, reason, message.Length > 1024 ? message[..1024] : message, Seconds(since), generation));
    }

    // metav1.Time has whole seconds: anything finer would make every comparison with what the server gives back differ.
    static DateTimeOffset Seconds(DateTimeOffset t) => new(t.UtcTicks - t.UtcTicks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
}
