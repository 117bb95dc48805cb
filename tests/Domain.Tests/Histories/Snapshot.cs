// What a decision sees, and what it wants to write. Everything is immutable, so that an old snapshot can be decided on at any later step.
using System.Collections.Immutable;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;

namespace Framelease.Domain.Tests.Histories;

sealed record Snapshot(
    ImmutableSortedDictionary<string, Versioned<TaskState>> Tasks,
    ImmutableSortedDictionary<string, Versioned<LeaseState>> Leases,
    ImmutableSortedDictionary<string, SlotSnapshot> Slots)
{
    public Versioned<TaskState> Task(string uid) => Tasks.GetValueOrDefault(uid, new(0, TaskState.Initial));

    public Versioned<LeaseState> Lease(string uid) => Leases.GetValueOrDefault(uid, new(0, LeaseState.Initial));
}

sealed record Versioned<T>(int Version, T State);

/// <summary>Events for one or more streams, all or none; or a refusal.</summary>
sealed record Plan(
    ImmutableSortedDictionary<string, IReadOnlyList<ITaskEvent>> Tasks,
    ImmutableSortedDictionary<string, IReadOnlyList<ILeaseEvent>> Leases,
    string? Refusal = null)
{
    public static Plan Nothing { get; } = new(
        ImmutableSortedDictionary<string, IReadOnlyList<ITaskEvent>>.Empty,
        ImmutableSortedDictionary<string, IReadOnlyList<ILeaseEvent>>.Empty);

    public bool ChangesNothing => Tasks.IsEmpty && Leases.IsEmpty;

    public static Plan Refused(string reason) => Nothing with { Refusal = reason };

    public Plan With(string uid, IReadOnlyList<ITaskEvent> events) =>
        events.Count == 0 ? this : this with { Tasks = Tasks.Add(uid, events) };

    public Plan With(string uid, IReadOnlyList<ILeaseEvent> events) =>
        events.Count == 0 ? this : this with { Leases = Leases.Add(uid, events) };
}

/// <summary>A command as it was sent: it can arrive late, twice, or decided on by somebody who read long ago.</summary>
/// <param name="Token">Under which the sender acts, where it acts under one.</param>
/// <param name="IsFinalReport">Complete and fail: a repeat of an accepted one must be answered with "nothing to do".</param>
sealed record Act(FormattableString Text, Func<Snapshot, Plan> Decide, long? Token = null, bool IsFinalReport = false);
