using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.EventStore;

namespace Framelease.Operator.Monitoring;

/// <summary>
/// The asynchronous view "statistics": counters and histograms of everything that the log tells, so that they survive restarts, are the
/// same on every replica, and can be made anew. Definitions of the figures: docs/how-to/monitoring.md.
/// </summary>
static class Statistics
{
    /// <summary>Upper bounds in seconds of waits and other times that are short when all is well, and may be hours when it is
    /// not.</summary>
    public static readonly Buckets Waits = new(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 30, 60, 300, 900, 3600, 14400);

    /// <summary>Upper bounds in seconds of work: the graded timeouts (1800, 3600, 7200) are bounds.</summary>
    public static readonly Buckets Work = new(1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400);

    static readonly ViewTable Leases = new("lease_spans");
    static readonly ViewTable Attempts = new("attempt_spans");
    static readonly ViewTable Tasks = new("task_spans");
    static readonly ViewTable Slots = new("slot_spans");
    static readonly ViewTable Sums = new("statistics");

    public static SchemaScripts Schema { get; } = SchemaScripts.FromAssembly(typeof(Statistics).Assembly, "Framelease.Operator.Monitoring");

    public static Projection Projection { get; } = new()
    {
        Name = "statistics",
        Version = 2,
        Events =
        [
            "lease_requested", "lease_granted", "lease_attached", "lease_warned", "lease_stalled", "lease_drain_requested", "lease_released", "lease_expired", "lease_revoked", "lease_gave_up",
            "slot_quarantined", "slot_freed", "stale_holder_rejected", "device_returned", "observation_lost", "authority_changed",
            "task_accepted", "task_rejected", "task_succeeded", "task_failed", "task_cancelled", "attempt_attached", "attempt_failed",
            "attempt_returned", "scene_committed",
        ],
        Tables = [Leases, Attempts, Tasks, Slots, Sums],
        Project = (events, view) =>
        {
            foreach (var e in events)
                Apply(e, view);
        },
    };

    static void Apply(ViewEvent e, ViewWriter view)
    {
        var key = e.Stream[(e.Stream.IndexOf('-', StringComparison.Ordinal) + 1)..];
        switch (e.Data)
        {
            case ILeaseEvent lease:
                Lease(e, key, lease, view);
                break;
            case ITaskEvent task:
                Task(e, key, task, view);
                break;
            case DeviceReturned:
                Count(view, "slots_returned", "", "");
                break;
            case Ledger.ObservationLost { Scope: null }:
                Count(view, "observation_losses", "", "");
                break;
            case Ledger.ObservationLost { Scope: { } scope }:
                Count(view, "mass_silences", scope, "");
                break;
            case Ledger.AuthorityChanged:
                Count(view, "authority_changes", "", "");
                break;
        }
    }

    static void Lease(ViewEvent e, string uid, ILeaseEvent data, ViewWriter view)
    {
        switch (data)
        {
            case LeaseRequested r:
                view.Execute($"""
                    insert into {Leases} (uid, namespace, name, pool, holder, task_uid, scene, attempt, requested_at,
                      requested_seq)
                    values ({uid}, {r.Namespace}, {r.Name}, {r.Pool}, {r.Holder}, {r.TaskUid}, {r.Scene}, {r.Attempt}, {e.Timestamp},
                      {e.Sequence})
                    """);
                Count(view, "lease_requests", r.Pool, "");
                break;
            case LeaseGranted g:
                Granted(e, uid, g, view);
                break;
            case LeaseAttached a:
                view.Execute($"update {Leases} set attached_at = {e.Timestamp}, pod_uid = {a.PodUid} where uid = {uid}");
                break;
            case LeaseWarned:
                CountOfLease(view, "grades", uid, "Warned");
                break;
            case LeaseStalled:
                CountOfLease(view, "grades", uid, "Stalled");
                break;
            case LeaseDrainRequested d:
                view.Execute($"update {Leases} set drain_at = {e.Timestamp} where uid = {uid}");
                CountOfLease(view, "grades", uid, "Drain" + d.Cause);
                break;
            case LeaseReleased:
                Ended(e, uid, "Released", "", view);
                if (data is LeaseReleased { SlotHeld: not true })
                    Free(e, uid, "Released", view);
                break;
            case LeaseExpired x:
                Ended(e, uid, "Expired", x.Cause.ToString(), view);
                break;
            case LeaseRevoked:
                Ended(e, uid, "Revoked", "", view);
                break;
            case LeaseGaveUp x:
                Ended(e, uid, "GaveUp", x.Reason, view);
                break;
            // A clean end whose slot follows its pod: nothing is wrong, and nothing recovers.
            case SlotQuarantined { Reason: LeaseState.Releasing }:
                break;
            case SlotQuarantined q:
                view.Execute($"update {Leases} set quarantined_at = {e.Timestamp} where uid = {uid}");
                CountOfLease(view, "quarantines", uid, q.Reason);
                break;
            case SlotFreed f:
                Free(e, uid, f.Proof.ToString(), view);
                view.Execute($"""
                    insert into {Sums} as s (metric, label, detail, bucket, count, millis)
                    select 'recovery', pool, proof, {Waits.Count} - width_bucket(-took, {Waits.Negated}), 1, round(took * 1000)::bigint
                    from (select pool, proof, greatest(extract(epoch from freed_at - quarantined_at), 0)::float8 as took
                            from {Leases} where uid = {uid} and quarantined_at is not null) as l
                    on conflict (metric, label, detail, bucket) do update
                      set count = s.count + excluded.count, millis = s.millis + excluded.millis
                    """);
                break;
            case StaleHolderRejected x:
                CountOfLease(view, "stale_holders", uid, x.Write);
                // A holder that was given up for silence, and writes again: it was not dead.
                view.Execute($"""
                    insert into {Sums} as s (metric, label, detail, bucket, count, millis)
                    select 'false_expiries', pool, '', 0, 1, 0 from {Leases}
                    where uid = {uid} and cause = 'HeartbeatLost' and pod_uid = {x.PodUid} and not came_back
                    on conflict (metric, label, detail, bucket) do update set count = s.count + excluded.count
                    """);
                view.Execute($"update {Leases} set came_back = true where uid = {uid} and pod_uid = {x.PodUid}");
                break;
        }
    }

    static void Granted(ViewEvent e, string uid, LeaseGranted g, ViewWriter view)
    {
        var slot = g.Slot;
        view.Execute($"""
            update {Leases} set granted_at = {e.Timestamp}, cluster = {slot.Cluster}, node = {slot.Node}, device = {slot.Device},
              slot = {slot.Slot}, device_index = {g.DeviceIndex}, token = {g.Token} where uid = {uid}
            """);
        CountOfLease(view, "grants", uid, "");
        view.Execute($"""
            insert into {Sums} as s (metric, label, detail, bucket, count, millis)
            select 'wait', pool, '', {Waits.Count} - width_bucket(-took, {Waits.Negated}), 1, round(took * 1000)::bigint
            from (select pool, greatest(extract(epoch from granted_at - requested_at), 0)::float8 as took
                    from {Leases} where uid = {uid}) as l
            on conflict (metric, label, detail, bucket) do update
                      set count = s.count + excluded.count, millis = s.millis + excluded.millis
            """);
        // From when both were there, a free slot and this request.
        view.Execute($"""
            insert into {Sums} as s (metric, label, detail, bucket, count, millis)
            select 'handover', pool, '', {Waits.Count} - width_bucket(-took, {Waits.Negated}), 1, round(took * 1000)::bigint
            from (select l.pool, greatest(extract(epoch from l.granted_at - greatest(f.free_at, l.requested_at)), 0)::float8 as took
                    from {Leases} as l join {Slots} as f
                      on f.cluster = l.cluster and f.node = l.node and f.device = l.device and f.slot = l.slot
                   where l.uid = {uid}) as l
            on conflict (metric, label, detail, bucket) do update
                      set count = s.count + excluded.count, millis = s.millis + excluded.millis
            """);
    }

    static void Ended(ViewEvent e, string uid, string ending, string cause, ViewWriter view)
    {
        view.Execute($"""
            update {Leases} set ended_at = {e.Timestamp}, ended_seq = {e.Sequence}, ending = {ending}, cause = {cause} where uid = {uid}
            """);
        CountOfLease(view, "ended_" + ending, uid, cause);
        view.Execute($"""
            insert into {Sums} as s (metric, label, detail, bucket, count, millis)
            select 'held', pool, ending, {Work.Count} - width_bucket(-took, {Work.Negated}), 1, round(took * 1000)::bigint
            from (select pool, ending, greatest(extract(epoch from ended_at - granted_at), 0)::float8 as took
                    from {Leases} where uid = {uid} and granted_at is not null) as l
            on conflict (metric, label, detail, bucket) do update
                      set count = s.count + excluded.count, millis = s.millis + excluded.millis
            """);
    }

    static void Free(ViewEvent e, string uid, string proof, ViewWriter view)
    {
        view.Execute($"update {Leases} set freed_at = {e.Timestamp}, proof = {proof} where uid = {uid}");
        view.Execute($"""
            insert into {Slots} (cluster, node, device, slot, free_at)
            select cluster, node, device, slot, freed_at from {Leases} where uid = {uid} and cluster is not null
            on conflict (cluster, node, device, slot) do update set free_at = excluded.free_at
            """);
    }

    static void Task(ViewEvent e, string uid, ITaskEvent data, ViewWriter view)
    {
        switch (data)
        {
            case TaskAccepted a:
                view.Execute($"insert into {Tasks} (task_uid, engine, accepted_at) values ({uid}, {a.Engine}, {e.Timestamp})");
                Count(view, "tasks_accepted", a.Engine, "");
                break;
            case TaskRejected r:
                Count(view, "tasks_rejected", "", r.Reason);
                break;
            case TaskSucceeded or TaskFailed or TaskCancelled:
                var end = data.GetType().Name["Task".Length..];
                view.Execute($"""
                    insert into {Sums} as s (metric, label, detail, bucket, count, millis)
                    select 'task', engine, {end}, {Work.Count} - width_bucket(-took, {Work.Negated}), 1, round(took * 1000)::bigint
                    from (select engine, greatest(extract(epoch from {e.Timestamp} - accepted_at), 0)::float8 as took
                            from {Tasks} where task_uid = {uid}) as t
                    on conflict (metric, label, detail, bucket) do update
                      set count = s.count + excluded.count, millis = s.millis + excluded.millis
                    """);
                break;
            case AttemptAttached a:
                view.Execute($"""
                    insert into {Attempts} (task_uid, scene, attempt, attached_at) values ({uid}, {a.Scene}, {a.Attempt}, {e.Timestamp})
                    on conflict (task_uid, scene, attempt) do nothing
                    """);
                break;
            case AttemptFailed f:
                AttemptEnded(e, uid, f.Scene, f.Attempt, f.Category, view);
                break;
            case AttemptReturned r:
                AttemptEnded(e, uid, r.Scene, r.Attempt, "Returned", view);
                break;
            case SceneCommitted c:
                AttemptEnded(e, uid, c.Scene, c.Attempt, "Committed", view);
                break;
        }
    }

    // Execution time runs from the attach: before it nothing was executed. An attempt that never attached counts with zero.
    static void AttemptEnded(ViewEvent e, string uid, int scene, int attempt, string outcome, ViewWriter view)
    {
        view.Execute($"""
            insert into {Attempts} (task_uid, scene, attempt, ended_at) values ({uid}, {scene}, {attempt}, {e.Timestamp})
            on conflict (task_uid, scene, attempt) do update set ended_at = excluded.ended_at
            """);
        view.Execute($"""
            insert into {Sums} as s (metric, label, detail, bucket, count, millis)
            select 'attempt', engine, {outcome}, {Work.Count} - width_bucket(-took, {Work.Negated}), 1, round(took * 1000)::bigint
            from (select t.engine, coalesce(greatest(extract(epoch from a.ended_at - a.attached_at), 0), 0)::float8 as took
                    from {Attempts} as a join {Tasks} as t using (task_uid)
                   where a.task_uid = {uid} and a.scene = {scene} and a.attempt = {attempt}) as t
            on conflict (metric, label, detail, bucket) do update
                      set count = s.count + excluded.count, millis = s.millis + excluded.millis
            """);
    }

    static void Count(ViewWriter view, string metric, string label, string detail) => view.Execute($"""
        insert into {Sums} as s (metric, label, detail, bucket, count, millis) values ({metric}, {label}, {detail}, 0, 1, 0)
        on conflict (metric, label, detail, bucket) do update set count = s.count + excluded.count
        """);

    static void CountOfLease(ViewWriter view, string metric, string uid, string detail) => view.Execute($"""
        insert into {Sums} as s (metric, label, detail, bucket, count, millis)
        select {metric}, pool, {detail}, 0, 1, 0 from {Leases} where uid = {uid}
        on conflict (metric, label, detail, bucket) do update set count = s.count + excluded.count
        """);
}
