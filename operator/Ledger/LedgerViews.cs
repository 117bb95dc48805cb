using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger.Sql;
using Npgsql;

namespace Framelease.Operator.Ledger;

/// <summary>
/// What events do to slots and views, as statements: a pure function of the events, so that views can be dropped and rebuilt from the log.
/// Slot moves are guards: they refuse the whole commit when the row is no longer as the decision saw it (R1).
/// </summary>
static class LedgerViews
{
    public static IEnumerable<NpgsqlBatchCommand> SlotMoves(LeaseChange change) =>
        SlotChange.Of(change.Before.State, change.LeaseUid, change.Events).Select(m => Statement.Of(
            "select framelease.move_slot($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            m.Key.Cluster, m.Key.Node, m.Key.Device, m.Key.Slot, m.From.ToString(), m.FromToken, m.To.ToString(), m.ToToken, m.LeaseUid, m.Reason));

    public static IEnumerable<NpgsqlBatchCommand> Of(LeaseChange change) => change.Events.Select(e => e switch
    {
        LeaseRequested r => Statement.Of(
            """
            insert into framelease.leases (uid, namespace, name, pool, task_uid, scene, attempt, state, max_wait, start_deadline)
            values ($1, $2, $3, $4, $5, $6, $7, 'Pending', $8, $9)
            """,
            r.LeaseUid, r.Namespace, r.Name, r.Pool, r.TaskUid, r.Scene, r.Attempt, r.Terms.MaxWaitSeconds, r.Terms.StartDeadlineSeconds),
        LeaseGranted g => Statement.Of(
            "update framelease.leases set state = 'Granted', granted_at = clock_timestamp(), cluster = $2, device = $3 where uid = $1",
            change.LeaseUid, g.Slot.Cluster, g.Slot.Device),
        LeaseAttached => Statement.Of("update framelease.leases set attached = true where uid = $1", change.LeaseUid),
        LeaseReleased => State(change.LeaseUid, "Released"),
        LeaseExpired => State(change.LeaseUid, "Expired"),
        LeaseRevoked => State(change.LeaseUid, "Revoked"),
        LeaseGaveUp => State(change.LeaseUid, "GaveUp"),
        _ => null,
    }).OfType<NpgsqlBatchCommand>();

    public static IEnumerable<NpgsqlBatchCommand> Of(TaskChange change) => change.Events.Select(e => e switch
    {
        TaskAccepted a => Statement.Of(
            "insert into framelease.tasks (uid, namespace, name, tenant, engine, phase) values ($1, $2, $3, $4, $5, 'Accepted')",
            a.TaskUid, a.Namespace, a.Name, a.Tenant, a.Engine),
        TaskRejected => Statement.Of(
            "insert into framelease.tasks (uid, namespace, name, phase, ended_at) values ($1, $2, $3, 'Rejected', clock_timestamp())",
            change.TaskUid, change.Name?.Namespace ?? "", change.Name?.Name ?? ""),
        AttemptStarted s => Statement.Of(
            """
            insert into framelease.attempts (task_uid, scene, attempt, pod_uid, pod_name, namespace, task_name, lease_uid, token, state, timeout)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'Started', $10)
            """,
            change.TaskUid, s.Scene, s.Attempt, s.PodUid, s.PodName, change.Before.State.Accepted!.Namespace, change.Before.State.Accepted.Name,
            s.LeaseUid, s.Token, s.HeartbeatTimeoutSeconds),
        // Attach is the first beat: silence counts from here.
        AttemptAttached a => Statement.Of(
            """
            with attached as (
              update framelease.attempts set state = 'Attached' where task_uid = $1 and scene = $2 and attempt = $3 returning task_uid, scene, attempt)
            insert into framelease.liveness (task_uid, scene, attempt) select task_uid, scene, attempt from attached
            """,
            change.TaskUid, a.Scene, a.Attempt),
        AttemptFailed f => Ended(change.TaskUid, f.Scene, f.Attempt),
        AttemptReturned r => Ended(change.TaskUid, r.Scene, r.Attempt),
        SceneCommitted c => Ended(change.TaskUid, c.Scene, c.Attempt),
        TaskAdmitted => Phase(change.TaskUid, "Admitted"),
        TaskSucceeded => End(change.TaskUid, "Succeeded"),
        TaskFailed => End(change.TaskUid, "Failed"),
        TaskCancelled => End(change.TaskUid, "Cancelled"),
        _ => null,
    }).OfType<NpgsqlBatchCommand>();

    static NpgsqlBatchCommand State(string uid, string state) => Statement.Of("update framelease.leases set state = $2 where uid = $1", uid, state);

    static NpgsqlBatchCommand Ended(string uid, int scene, int attempt) =>
        Statement.Of("update framelease.attempts set state = 'Ended' where task_uid = $1 and scene = $2 and attempt = $3", uid, scene, attempt);

    static NpgsqlBatchCommand Phase(string uid, string phase) => Statement.Of("update framelease.tasks set phase = $2 where uid = $1", uid, phase);

    static NpgsqlBatchCommand End(string uid, string phase) =>
        Statement.Of("update framelease.tasks set phase = $2, ended_at = clock_timestamp() where uid = $1", uid, phase);
}
