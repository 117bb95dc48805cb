using Framelease.Domain;
using Framelease.Domain.Leasing;

namespace Framelease.Operator.Attempts;

/// <summary>Several commands to one lease as one change: each decides on the state that the one before left.</summary>
static class LeaseSteps
{
    /// <returns>All events; none as soon as one command is refused.</returns>
    public static IReadOnlyList<ILeaseEvent> Decide(LeaseState state, params LeaseCommand?[] commands) =>
        TryDecide(state, commands, out var events) is null ? events : [];

    /// <summary>
    /// The proof that lies in the log itself: nobody attached, and after the end that goes before, nobody can. Null for any other lease.
    /// </summary>
    public static LeaseCommand.Free? UnattachedProof(LeaseState? lease) => lease is { IsGranted: true, Attachment: null }
        ? new LeaseCommand.Free(FreeProof.NeverAttached, "nobody attached under this token, and attach is refused from here on")
        : null;

    /// <returns>The first refusal, or null.</returns>
    public static AttemptRefusal? TryDecide(LeaseState state, IEnumerable<LeaseCommand?> commands, out IReadOnlyList<ILeaseEvent> events)
    {
        var all = new List<ILeaseEvent>();
        events = all;
        foreach (var command in commands.OfType<LeaseCommand>())
        {
            switch (LeaseDecider.Decide(state, command))
            {
                case Decision<ILeaseEvent>.Refused no:
                    return new AttemptRefusal(no.Reason, no.Message);
                case Decision<ILeaseEvent>.Events yes:
                    all.AddRange(yes.Items);
                    // The times do not matter here: they decide nothing, and the stored event gets PostgreSQL's.
                    state = After(state, yes.Items);
                    break;
            }
        }

        return null;
    }

    /// <summary>The state that the events leave, but for the times.</summary>
    public static LeaseState After(LeaseState state, IReadOnlyList<ILeaseEvent> events) =>
        events.Aggregate(state, (s, e) => s.Evolve(e, s.GrantedAt ?? default));
}
