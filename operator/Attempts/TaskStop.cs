using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;

namespace Framelease.Operator.Attempts;

/// <summary>
/// What the end, or the suspension, of a task means to every attempt of it that runs, and to their leases: a pure function of all their states. All
/// of it happens in one transaction or, when one of the deciders refuses, none of it.
/// </summary>
sealed record TaskStop(
    IReadOnlyList<ITaskEvent> Task, IReadOnlyDictionary<string, IReadOnlyList<ILeaseEvent>> Leases, AttemptRefusal? Refusal = null)
{
    static readonly IReadOnlyDictionary<string, IReadOnlyList<ILeaseEvent>> NoLeases = new Dictionary<string, IReadOnlyList<ILeaseEvent>>();

    public bool ChangesNothing => Task.Count == 0;

    /// <param name="leases">Of the attempts that run, by UID.</param>
    /// <param name="command">Ends or suspends the task; null: it has ended already, and what still runs of it ends now.</param>
    public static TaskStop Decide(TaskState task, IReadOnlyDictionary<string, LeaseState> leases, TaskCommand? command, string by)
    {
        var events = new List<ITaskEvent>();
        var state = task;
        if (command is not null)
        {
            switch (TaskDecider.Decide(task, command))
            {
                case Decision<ITaskEvent>.Refused no:
                    return new TaskStop([], NoLeases, new AttemptRefusal(no.Reason, no.Message));
                case Decision<ITaskEvent>.Events yes:
                    Add(yes.Items);
                    break;
            }
        }

        if (state is { IsEnded: false, SuspendedAt: null })
            return new TaskStop(events, NoLeases);
        var (category, reason, message) = Words(state, command, by);
        var ofLeases = new Dictionary<string, IReadOnlyList<ILeaseEvent>>(StringComparer.Ordinal);
        foreach (var started in task.Scenes.Values.Where(s => s.IsRunning).Select(s => s.Started!))
        {
            switch (TaskDecider.Decide(state, new TaskCommand.Fail(
                new AttemptFailed(started.Scene, started.Attempt, started.PodUid, category, reason, message, false, null), 0)))
            {
                case Decision<ITaskEvent>.Refused no:
                    return new TaskStop([], NoLeases, new AttemptRefusal(no.Reason, no.Message));
                case Decision<ITaskEvent>.Events yes:
                    Add(yes.Items);
                    break;
            }

            if (started.LeaseUid is not { } uid)
                continue;
            var lease = leases[uid];
            if (LeaseSteps.TryDecide(
                lease, [new LeaseCommand.Revoke(by, message), AttemptPlan.Unattached(lease)], out var ended) is { } refusal)
                return new TaskStop([], NoLeases, refusal);
            ofLeases[uid] = ended;
        }

        return new TaskStop(events, ofLeases);

        void Add(IReadOnlyList<ITaskEvent> more)
        {
            events.AddRange(more);
            // The times decide nothing here, and the stored events get PostgreSQL's.
            state = more.Aggregate(state, (s, e) => s.Evolve(e, task.AcceptedAt ?? default));
        }
    }

    static (string Category, string Reason, string Message) Words(TaskState state, TaskCommand? command, string by) => command switch
    {
        TaskCommand.ExceedDeadline => ("Cancelled", "DeadlineExceeded", "the task's deadline is over"),
        TaskCommand.Cancel => ("Cancelled", "Cancelled", $"the task was cancelled by {by}"),
        _ when state.IsEnded => ("Cancelled", "TaskEnded", $"the task is {state.Phase}: {state.EndReason}"),
        _ => (AttemptFailed.Suspended, "Suspended", $"the task was suspended by {by}"),
    };
}
