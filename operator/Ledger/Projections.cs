using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Domain.Tasks;
using Framelease.EventStore;
using Framelease.Operator.Monitoring;

namespace Framelease.Operator.Ledger;

/// <summary>
/// The views beside the log: written in the transaction of the events, made of nothing else, so that `framelease events rebuild` can make
/// each of them anew. Slots, liveness, epochs and keys are no views: they are authority, and only events and beats move them.
/// </summary>
static class Projections
{
    static readonly ViewTable Leases = new("leases");
    static readonly ViewTable Tasks = new("tasks");
    static readonly ViewTable Attempts = new("attempts");

    public static ProjectionSet All { get; } = new()
    {
        Inline =
        [
            new()
            {
                Name = "leases",
                Events =
                [
                    "lease_requested", "lease_granted", "lease_attached", "lease_warned", "lease_stalled", "lease_progressed",
                    "lease_deadlock_detected",
                    "lease_drain_requested", "lease_released", "lease_expired", "lease_revoked", "lease_gave_up",
                ],
                Tables = [Leases],
                Project = (events, view) =>
                {
                    var grants = new List<ViewEvent>();
                    foreach (var e in events)
                    {
                        if (e.Data is LeaseGranted)
                        {
                            grants.Add(e);
                            continue;
                        }

                        Granted(grants, view);
                        Lease(e, Uid(e), view);
                    }

                    Granted(grants, view);
                },
            },
            new()
            {
                Name = "tasks",
                Events =
                [
                    "task_accepted", "task_rejected", "task_admitted", "task_suspended", "task_resumed", "task_succeeded", "task_failed",
                    "task_cancelled", "attempt_started", "attempt_attached", "attempt_failed", "attempt_returned", "scene_committed",
                    "output_committed", "output_readopted",
                ],
                Tables = [Tasks, Attempts],
                Project = (events, view) =>
                {
                    foreach (var e in events)
                        Task(e, e.Stream["task-".Length..], view);
                },
            },
        ],
        Asynchronous = [Statistics.Projection],
    };

    static string Uid(ViewEvent e) => e.Stream["lease-".Length..];

    // The grants of a round are one statement, however many they are.
    static void Granted(List<ViewEvent> grants, ViewWriter view)
    {
        if (grants.Count == 0)
            return;
        var events = grants.ToArray();
        grants.Clear();
        var slots = Array.ConvertAll(events, e => ((LeaseGranted)e.Data).Slot);
        view.Execute($"""
            update {Leases} as l set state = 'Granted', granted_at = g.at, cluster = g.cluster, device = g.device
            from unnest({Array.ConvertAll(events, Uid)}, {Array.ConvertAll(events, e => e.Timestamp)},
              {Array.ConvertAll(slots, s => s.Cluster)}, {Array.ConvertAll(slots, s => s.Device)}) as g (uid, at, cluster, device)
            where l.uid = g.uid
            """);
    }

    static void Lease(ViewEvent e, string uid, ViewWriter view)
    {
        switch (e.Data)
        {
            case LeaseRequested r:
                var (terms, grades, claim) = (r.Terms, r.Terms.Grades, r.Claim);
                var (points, need) = (claim?.Points() ?? 0, claim?.Need ?? DeviceNeed.None);
                view.Execute($"""
                    insert into {Leases} (uid, namespace, name, pool, task_uid, scene, attempt, state, requested_at, max_wait,
                      start_deadline, heartbeat_interval, warning, soft, hard, progress_timeout, drain_grace,
                      tenant, points, vram, encode, decode, queue_at, give_up_at, lock_delay, detect_only) values
                      ({uid}, {r.Namespace}, {r.Name}, {r.Pool}, {r.TaskUid}, {r.Scene}, {r.Attempt}, 'Pending', {e.Timestamp},
                       {terms.MaxWaitSeconds}, {terms.StartDeadlineSeconds}, {terms.HeartbeatIntervalSeconds},
                       {grades?.WarningSeconds ?? 0}, {grades?.SoftSeconds ?? 0}, {grades?.HardSeconds ?? 0},
                       {grades?.ProgressTimeoutSeconds ?? 0}, {grades?.DrainGraceSeconds ?? 0},
                       {claim?.Tenant ?? ""}, {points}, {need.VramMiB}, {need.EncodeSessions}, {need.DecodeSessions},
                       {e.Timestamp} - make_interval(secs => {(double)QueueOrder.SecondsPerPoint * points}),
                       case when {terms.MaxWaitSeconds} > 0 then {e.Timestamp} + make_interval(secs => {(double)terms.MaxWaitSeconds}) end,
                       {terms.LockDelay?.LockDelaySeconds ?? 0}, {terms.DetectOnly is true})
                    """);
                break;
            case LeaseAttached:
                view.Execute($"update {Leases} set attached = true where uid = {uid}");
                break;
            case LeaseWarned:
                view.Execute($"update {Leases} set warned_at = {e.Timestamp} where uid = {uid}");
                break;
            case LeaseStalled:
                view.Execute($"update {Leases} set stalled_at = {e.Timestamp} where uid = {uid}");
                break;
            case LeaseProgressed:
                view.Execute($"""
                    update {Leases} set stalled_at = null, detected_at = case when detected_cause = 'Stalled' then null else detected_at end
                     where uid = {uid}
                    """);
                break;
            case LeaseDeadlockDetected d:
                view.Execute($"update {Leases} set detected_at = {e.Timestamp}, detected_cause = {d.Cause.ToString()} where uid = {uid}");
                break;
            case LeaseDrainRequested d:
                view.Execute($"""
                    update {Leases} set state = 'Draining', drain_at = {e.Timestamp}, drain_cause = {d.Cause.ToString()},
                      drain_seconds = {d.GraceSeconds}, drain_message = {d.Message} where uid = {uid}
                    """);
                break;
            case LeaseReleased or LeaseExpired or LeaseRevoked or LeaseGaveUp:
                view.Execute($"update {Leases} set state = {e.Data.GetType().Name["Lease".Length..]} where uid = {uid}");
                break;
        }
    }

    static void Task(ViewEvent e, string uid, ViewWriter view)
    {
        switch (e.Data)
        {
            case TaskAccepted a:
                view.Execute($"""
                    insert into {Tasks} (uid, namespace, name, tenant, engine, phase, created_at, accepted_seq, scenes) values
                      ({uid}, {a.Namespace}, {a.Name}, {a.Tenant}, {a.Engine}, 'Accepted', {e.Timestamp}, {e.Sequence}, {a.Scenes})
                    """);
                break;
            case TaskRejected r:
                view.Execute($"""
                    insert into {Tasks} (uid, namespace, name, phase, created_at, ended_at, accepted_seq, reason) values
                      ({uid}, {r.Namespace ?? ""}, {r.Name ?? ""}, 'Rejected', {e.Timestamp}, {e.Timestamp}, {e.Sequence}, {r.Reason})
                    """);
                break;
            case TaskAdmitted:
                view.Execute($"update {Tasks} set phase = 'Admitted' where uid = {uid}");
                break;
            case TaskSucceeded or TaskFailed or TaskCancelled:
                var reason = e.Data switch { TaskFailed f => f.Reason, TaskCancelled => "Cancelled", _ => null };
                view.Execute($"""
                    update {Tasks} set phase = {e.Data.GetType().Name["Task".Length..]}, ended_at = {e.Timestamp}, reason = {reason} where uid = {uid}
                    """);
                break;
            case TaskSuspended or TaskResumed:
                view.Execute($"update {Tasks} set is_suspended = {e.Data is TaskSuspended} where uid = {uid}");
                break;
            case OutputCommitted o:
                view.Execute($"update {Tasks} set output = {o.Uri} where uid = {uid}");
                break;
            case OutputReadopted o:
                view.Execute($"update {Tasks} set output = {o.Uri} where uid = {uid}");
                break;
            case AttemptStarted s:
                view.Execute($"""
                    insert into {Attempts} (task_uid, scene, attempt, pod_uid, pod_name, namespace, task_name, lease_uid, token, state,
                      timeout)
                    select {uid}, {s.Scene}, {s.Attempt}, {s.PodUid}, {s.PodName}, t.namespace, t.name, {s.LeaseUid}, {s.Token}, 'Started',
                      {s.HeartbeatTimeoutSeconds}
                    from {Tasks} as t where t.uid = {uid}
                    """);
                view.Execute($"""
                    update {Tasks} set attempts = attempts + 1, started_at = coalesce(started_at, {e.Timestamp}) where uid = {uid}
                    """);
                break;
            case AttemptAttached a:
                Attempt(view, uid, a.Scene, a.Attempt, "Attached");
                break;
            case AttemptFailed f:
                Attempt(view, uid, f.Scene, f.Attempt, "Ended");
                break;
            case AttemptReturned r:
                Attempt(view, uid, r.Scene, r.Attempt, "Ended");
                break;
            case SceneCommitted c:
                Attempt(view, uid, c.Scene, c.Attempt, "Ended");
                view.Execute($"update {Tasks} set scenes_done = scenes_done + 1 where uid = {uid}");
                break;
        }
    }

    static void Attempt(ViewWriter view, string uid, int scene, int attempt, string state) =>
        view.Execute($"update {Attempts} set state = {state} where task_uid = {uid} and scene = {scene} and attempt = {attempt}");
}
