using System.Text.Json;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.EventStore;
using Framelease.Operator.Ledger.Sql;
using Framelease.Operator.Pools;

namespace Framelease.Operator.Ledger;

/// <summary>The ledger on PostgreSQL: streams through the event store, slots and views beside them, every commit one round trip.</summary>
sealed partial class PostgresLedger(IEventStore store, IDatabaseClock clock, ClusterIdentity cluster) : ILedger
{
    /// <summary>As many as the event store loads at once.</summary>
    const int StreamsPerTrip = 100;

    public static string TaskStream(string uid) => $"task-{uid}";

    public static string LeaseStream(string uid) => $"lease-{uid}";

    public Task<Loaded<TaskState>> LoadTaskAsync(string taskUid, CancellationToken cancel) =>
        LoadAsync(TaskStream(taskUid), TaskState.Initial, (s, e) => s.Evolve(e.Data, e.Timestamp), cancel);

    public Task<Loaded<LeaseState>> LoadLeaseAsync(string leaseUid, CancellationToken cancel) =>
        LoadAsync(LeaseStream(leaseUid), LeaseState.Initial, (s, e) => s.Evolve(e.Data, e.Timestamp), cancel);

    public Task CommitAsync(LedgerCommit commit, CancellationToken cancel)
    {
        if (commit.IsEmpty)
            return Task.CompletedTask;
        var session = store.OpenSession(new SessionMetadata(
            CorrelationId: commit.Tasks.FirstOrDefault()?.TaskUid ?? commit.Leases.FirstOrDefault()?.LeaseUid, Actor: commit.Actor));
        if (commit.Epoch is { } epoch)
            session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        foreach (var move in LedgerViews.SlotMoves(cluster.Uid, commit.Leases))
            session.Guard(move);
        var devices = commit.Devices.Where(d => d.Events.Count > 0)
            .OrderBy(d => d.Before.State.Key.ToString(), StringComparer.Ordinal).ToList();
        foreach (var device in devices)
            session.Guard(LedgerViews.DeviceMove(device));
        var bindings = commit.Leases.SelectMany(DeviceBinding.Of).ToList();
        foreach (var binding in bindings)
            session.Guard(LedgerViews.Bind(binding));
        foreach (var task in commit.Tasks.Where(t => t.Events.Count > 0))
            session.Append(TaskStream(task.TaskUid), task.Before.Version, [.. task.Events]);
        foreach (var lease in commit.Leases.Where(l => l.Events.Count > 0))
            session.Append(LeaseStream(lease.LeaseUid), lease.Before.Version, [.. lease.Events]);
        foreach (var device in devices)
            session.AppendAny(DeviceStream(device.Before.State.Key.Device), [.. device.Events]);
        foreach (var binding in bindings)
            session.AppendAny(DeviceStream(binding.Slot.Device), binding.Event);
        foreach (var write in commit.Tasks.SelectMany(LedgerViews.FirstBeats).Concat(commit.Leases.SelectMany(LedgerViews.FirstBeats)))
            session.Write(write);
        // After the row of the attempt, or of the lease, has been changed: its lock keeps beats out, and the ones that were under way have ended.
        if (commit.Silence is { } seen)
        {
            session.Write(seen.TaskUid is { } task
                ? Statement.Of("select framelease.expect_silence($1, $2, $3, $4)", task, seen.Scene, seen.Attempt, seen.Sequence)
                : Statement.Of("select framelease.expect_holder_silence($1, $2)", seen.LeaseUid, seen.Sequence));
        }

        return LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }

    async Task<Loaded<T>> LoadAsync<T>(string stream, T seed, Func<T, EventEnvelope, T> evolve, CancellationToken cancel)
    {
        var slice = await LedgerErrors.Map(() => store.FetchStreamAsync(stream, 1, cancel));
        var state = slice.Events.Aggregate(seed, evolve);
        return new Loaded<T>(state, slice.Version, slice.Now);
    }

    public async Task<IReadOnlyList<HistoryItem>> ReadLeaseHistoryAsync(string leaseUid, CancellationToken cancel)
    {
        var slice = await LedgerErrors.Map(() => store.FetchStreamAsync(LeaseStream(leaseUid), 1, cancel));
        return [.. slice.Events.Select(Item)];
    }

    public async Task<IReadOnlyList<HistoryItem>> ReadTaskHistoryAsync(string taskUid, CancellationToken cancel)
    {
        var leases = await RowsAsync(
            Statement.Of("select uid from framelease.leases where task_uid = $1 order by requested_at", taskUid), r => r.GetString(0), cancel);
        return await ReadHistoryAsync([TaskStream(taskUid), .. leases.Select(LeaseStream)], cancel);
    }

    public async Task<IReadOnlyList<HistoryItem>> ReadDeviceHistoryAsync(string device, int leases, CancellationToken cancel)
    {
        var uids = await RowsAsync(
            Statement.Of("select uid from framelease.leases where cluster = $1 and device = $2 order by granted_at desc limit $3", cluster.Uid, device, leases),
            r => r.GetString(0), cancel);
        return await ReadHistoryAsync([DeviceStream(device), .. uids.Select(LeaseStream)], cancel);
    }

    // Streams only grow, so that what is read in several trips is still a true history.
    async Task<IReadOnlyList<HistoryItem>> ReadHistoryAsync(IReadOnlyList<string> streams, CancellationToken cancel)
    {
        var events = new List<EventEnvelope>();
        foreach (var some in streams.Chunk(StreamsPerTrip))
            events.AddRange((await LedgerErrors.Map(() => store.FetchStreamsAsync(some, cancel))).SelectMany(s => s.Events));
        return [.. events.OrderBy(e => e.Sequence).Select(Item)];
    }

    string DeviceStream(string device) => $"device-{cluster.Uid}/{device}";

    internal static HistoryItem Item(EventEnvelope e)
    {
        using var document = JsonDocument.Parse(e.Raw);
        return new HistoryItem(e.Sequence, e.Stream, e.Version, e.TypeName, e.Timestamp, e.Actor, document.RootElement.Clone());
    }

    public Task RecordBlindnessAsync(ObservationGap gap, LeaderEpoch epoch, CancellationToken cancel) =>
        RecordObservationAsync(epoch, cancel, new ObservationLost(gap.GapSeconds, gap.DriftSeconds), new ObservationResumed());

    public Task RecordMassSilenceAsync(MassSilence.Change change, LeaderEpoch epoch, CancellationToken cancel)
    {
        var scope = change.Scope == MassSilence.Everywhere ? "all pools" : $"pool {change.Scope}";
        return RecordObservationAsync(epoch, cancel, change.Begins ? new ObservationLost(0, 0, scope, change.Leases)
            : new ObservationResumed(scope));
    }

    Task RecordObservationAsync(LeaderEpoch epoch, CancellationToken cancel, params IReadOnlyList<object> events)
    {
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        session.AppendAny($"authority-{cluster.Uid}", events);
        return LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }
}
