// Conditions by the API conventions: one per type, and a transition time that moves only with the status.
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Controllers;

public static class Conditions
{
    public const string True = "True", False = "False", Unknown = "Unknown";

    /// <summary>The list with this condition set. lastTransitionTime stays when the status does; order stays; nothing changed gives the same list back.</summary>
    /// <param name="now">Cut to whole seconds, as metav1.Time is.</param>
    public static IReadOnlyList<Condition> Set(
        IReadOnlyList<Condition>? conditions, string type, string status, string reason, string message, DateTimeOffset now,
        long? observedGeneration = null)
    {
        conditions ??= [];
        var old = Find(conditions, type);
        var since = old is not null && old.Status == status ? old.LastTransitionTime : new(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
        var next = new Condition(type, status, reason, message, since, observedGeneration);
        if (old == next)
            return conditions;
        return old is null ? [.. conditions, next] : [.. conditions.Select(c => c.Type == type ? next : c)];
    }

    /// <summary>Null when there is none.</summary>
    public static Condition? Find(IReadOnlyList<Condition>? conditions, string type)
    {
        foreach (var condition in conditions ?? [])
        {
            if (condition.Type == type)
                return condition;
        }

        return null;
    }

    public static bool IsTrue(IReadOnlyList<Condition>? conditions, string type) => Find(conditions, type) is { Status: True };

    public static bool IsFalse(IReadOnlyList<Condition>? conditions, string type) => Find(conditions, type) is { Status: False };
}
