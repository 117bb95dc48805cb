using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>The views beside the log, as <see cref="Projections"/> writes them.</summary>
static class MemoryViews
{
    public static void Project(MemoryTables tables, StoredEvent e)
    {
        if (e.Stream.StartsWith("lease-", StringComparison.Ordinal))
            Lease(tables, e, e.Stream["lease-".Length..]);
        else if (e.Stream.StartsWith("task-", StringComparison.Ordinal))
            Task(tables, e, e.Stream["task-".Length..]);
    }

    static void Lease(MemoryTables tables, StoredEvent e, string uid)
    {
        if (e.Data is LeaseRequested request)
        {
            tables.Leases[uid] = new LeaseRow(request, e.At);
            return;
        }

        if (!tables.Leases.TryGetValue(uid, out var row))
            return;
        tables.Leases[uid] = e.Data switch
        {
            LeaseGranted g => row with { State = "Granted", GrantedAt = e.At, Cluster = g.Slot.Cluster, Device = g.Slot.Device },
            LeaseAttached => row with { Attached = true },
            LeaseWarned => row with { WarnedAt = e.At },
            LeaseStalled => row with { StalledAt = e.At },
            LeaseProgressed => row with
            {
                StalledAt = null,
                DetectedAt = row.DetectedCause is ExpiryCause.Stalled ? null : row.DetectedAt,
            },
            LeaseDeadlockDetected d => row with { DetectedAt = e.At, DetectedCause = d.Cause },
            LeaseDrainRequested d => row with
            {
                State = "Draining",
                DrainAt = e.At,
                DrainCause = d.Cause,
                DrainSeconds = d.GraceSeconds,
                DrainMessage = d.Message,
            },
            LeaseReleased or LeaseExpired or LeaseRevoked or LeaseGaveUp => row with { State = e.Data.GetType().Name["Lease".Length..] },
            _ => row,
        };
    }

    static void Task(MemoryTables tables, StoredEvent e, string uid)
    {
        switch (e.Data)
        {
            case TaskAccepted a:
                tables.Tasks[uid] = new TaskRow(uid, a.Namespace, a.Name, e.At, "Accepted");
                break;
            case TaskRejected r:
                tables.Tasks[uid] = new TaskRow(uid, r.Namespace ?? "", r.Name ?? "", e.At, "Rejected");
                break;
            case TaskAdmitted or TaskSucceeded or TaskFailed or TaskCancelled:
                if (tables.Tasks.TryGetValue(uid, out var task))
                    tables.Tasks[uid] = task with { Phase = e.Data.GetType().Name["Task".Length..] };
                break;
            case AttemptStarted s when tables.Tasks.TryGetValue(uid, out var of):
                tables.Attempts[(uid, s.Scene, s.Attempt)] = new AttemptView(
                    new AttemptRow(uid, s.Scene, s.Attempt, s.PodUid, s.PodName, of.Namespace, of.Name, s.LeaseUid, s.Token), "Started",
                    s.HeartbeatTimeoutSeconds);
                break;
            case AttemptAttached a:
                Attempt(tables, uid, a.Scene, a.Attempt, "Attached");
                break;
            case AttemptFailed f:
                Attempt(tables, uid, f.Scene, f.Attempt, "Ended");
                break;
            case AttemptReturned r:
                Attempt(tables, uid, r.Scene, r.Attempt, "Ended");
                break;
            case SceneCommitted c:
                Attempt(tables, uid, c.Scene, c.Attempt, "Ended");
                break;
        }
    }

    static void Attempt(MemoryTables tables, string uid, int scene, int attempt, string state)
    {
        if (tables.Attempts.TryGetValue((uid, scene, attempt), out var row))
            tables.Attempts[(uid, scene, attempt)] = row with { State = state };
    }
}
