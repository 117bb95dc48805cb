using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger.Sql;
using Npgsql;

namespace Framelease.Operator.Ledger;

/// <summary>
/// What events do to the authority beside the log, as statements: a pure function of the events. Slot moves are guards: they refuse the
/// whole commit when the row is no longer as the decision saw it (R1). Views are <see cref="Projections"/>, and are written by the event
/// store.
/// </summary>
static class LedgerViews
{
    /// <summary>The grants of a round in one statement; all other moves one by one, in one order everywhere, so that two commits never wait
    /// for each other.</summary>
    public static IEnumerable<NpgsqlBatchCommand> SlotMoves(string cluster, IEnumerable<LeaseChange> changes)
    {
        var moves = changes.SelectMany(c => SlotChange.Of(c.Before.State, c.LeaseUid, c.Events))
            .OrderBy(m => m.Key.ToString(), StringComparer.Ordinal).ToList();
        var grants = moves.Where(m => m.To is SlotState.Granted).ToArray();
        if (grants.Length > 0)
        {
            yield return Statement.Of(
                "select framelease.grant_slots($1, $2, $3, $4, $5, $6)", cluster,
                Array.ConvertAll(grants, m => m.Key.Node), Array.ConvertAll(grants, m => m.Key.Device),
                Array.ConvertAll(grants, m => m.Key.Slot), Array.ConvertAll(grants, m => m.ToToken),
                    Array.ConvertAll(grants, m => m.LeaseUid!));
            yield return Statement.Of(
                "select framelease.expect_fit($1, $2, $3)", cluster, Array.ConvertAll(grants, m => m.Key.Node),
                Array.ConvertAll(grants, m => m.Key.Device));
        }

        foreach (var m in moves.Where(m => m.To is not SlotState.Granted))
        {
            yield return Statement.Of(
                "select framelease.move_slot($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                m.Key.Cluster, m.Key.Node, m.Key.Device, m.Key.Slot, m.From.ToString(), m.FromToken, m.To.ToString(), m.ToToken, m.LeaseUid,
                m.Reason);
        }
    }

    /// <summary>A device's row, guarded by the version that the decision saw.</summary>
    public static NpgsqlBatchCommand DeviceMove(DeviceChange change)
    {
        var (key, after) = (change.Before.State.Key, change.After);
        return Statement.Of(
            "select framelease.change_device($1, $2, $3, $4, $5, $6, $7, $8)", key.Cluster, key.Node, key.Device, change.Before.Version,
            after.Fitness.ToString(), after.By?.ToString(), after.Reason, after.Failures);
    }

    /// <summary>Which device a kubelet gave to the holder of a slot, guarded against a second holder of the same one.</summary>
    public static NpgsqlBatchCommand Bind(DeviceBinding b) => Statement.Of(
        "select framelease.bind_slot($1, $2, $3, $4, $5, $6, $7)", b.Slot.Cluster, b.Slot.Node, b.Slot.Device, b.Slot.Slot, b.Event.Token,
        b.Event.Uuid, b.IsExclusive);

    /// <summary>Attach is the first beat: silence counts from here.</summary>
    public static IEnumerable<NpgsqlBatchCommand> FirstBeats(TaskChange change) =>
        change.Events.OfType<AttemptAttached>().Select(a => Statement.Of(
        "insert into framelease.liveness (task_uid, scene, attempt) values ($1, $2, $3)", change.TaskUid, a.Scene, a.Attempt));

    /// <summary>The same for a lease without a task: its holder beats by the lease itself.</summary>
    public static IEnumerable<NpgsqlBatchCommand> FirstBeats(LeaseChange change) => change.Before.State is { Request.TaskUid: null, Grant: { } grant }
        ? change.Events.OfType<LeaseAttached>().Select(a => Statement.Of(
            "insert into framelease.holders (lease_uid, holder, timeout) values ($1, $2, $3)", change.LeaseUid, a.PodUid,
            grant.Terms.HeartbeatTimeoutSeconds))
        : [];
}
