using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Dispatch;

/// <summary>
/// Grants the slots of one pool. Woken by what happens (a request, a freed slot, a device, a tenant) and by the moment at which the next
/// lease gives up; each round reads one snapshot, decides purely (<see cref="DispatchRound"/>) and commits all its grants in one
/// transaction under the leader's epoch. A slow round remains as a net, should a wake-up be lost with a replica.
/// </summary>
sealed class Dispatcher(
    string pool, ILedger ledger, LeaseService leases, Func<IReadOnlyDictionary<string, TenantShare>> tenants, AttemptSignals signals,
    TimeProvider time, ILogger logger)
{
    /// <summary>Of one round: its transaction stays short, and a wake-up in between is soon heard.</summary>
    public const int MostGrants = 200;

    static readonly TimeSpan Net = TimeSpan.FromSeconds(30);
    static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(20);
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    static readonly TimeSpan SoonestPositions = TimeSpan.FromSeconds(2);

    readonly WakeUp _wake = new();
    readonly Dictionary<(string, DeviceNeed), string> _codes = [];
    IReadOnlyList<string> _front = [];
    IReadOnlyList<WaitReason>? _told;
    long? _frontToldAt;

    /// <summary>Something in the pool changed.</summary>
    public void Wake() => _wake.Set();

    public async Task RunAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        while (true)
        {
            var wait = await TryRoundAsync(epoch, cancel);
            await _wake.WaitAsync(wait, time, cancel);
        }
    }

    async Task<TimeSpan> TryRoundAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        try
        {
            return await RoundAsync(epoch, cancel);
        }
        catch (LedgerConflictException)
        {
            // A lease or a slot changed under the round: the next one sees it.
            return Breath;
        }
        catch (LedgerUnavailableException e)
        {
            // Nothing is granted while the database is away.
            Log.DatabaseUnavailable(logger, e.Message);
            return Pause;
        }
    }

    /// <returns>When to look again, if nothing happens before.</returns>
    public async Task<TimeSpan> RoundAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var queue = await ledger.ReadQueueAsync(pool, MostGrants + WaitRow.LastPosition, cancel);
        if (await GiveUpAsync(queue.GivingUp, epoch, cancel) > 0)
            return TimeSpan.Zero;
        var shares = tenants().ToDictionary(
            t => t.Key, t => t.Value with { Held = queue.HeldByTenant.GetValueOrDefault(t.Key) }, StringComparer.Ordinal);
        var round = DispatchRound.Decide(new PoolView(queue.Groups, PoolView.DevicesOf(queue.Slots, queue.Uses), shares, MostGrants));
        var granted = await GrantAsync(round.Grants, epoch, cancel);
        await TellAsync(round, queue, epoch, cancel);
        return round.IsCut ? granted > 0 ? TimeSpan.Zero : Pause
            : queue.NextGiveUpSeconds is { } seconds && seconds < Net.TotalSeconds ? TimeSpan.FromSeconds(seconds)
            : Net;
    }

    // A lease that a newer version wrote to refuses every decision: it is passed over, and stays.
    async Task<int> GiveUpAsync(IReadOnlyList<string> uids, LeaderEpoch epoch, CancellationToken cancel)
    {
        var ended = 0;
        foreach (var uid in uids)
        {
            var outcome = await leases.ChangeAsync(uid, "operator", epoch, _ => [new LeaseCommand.GiveUp("MaxWaitExceeded")], cancel);
            ended += outcome.Events.Count;
        }

        return ended;
    }

    async Task<int> GrantAsync(IReadOnlyList<DispatchGrant> grants, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (grants.Count == 0)
            return 0;
        var loaded = await ledger.LoadLeasesAsync([.. grants.Select(g => g.LeaseUid)], cancel);
        var changes = grants.Zip(loaded, Change).OfType<LeaseChange>().ToList();
        await ledger.CommitAsync(new LedgerCommit("operator", [], changes, epoch), cancel);
        foreach (var change in changes)
        {
            var granted = (LeaseGranted)change.Events[0];
            Log.LeaseGranted(logger, change.LeaseUid, granted.Slot.ToString(), granted.Token);
            signals.LeaseGranted(change.Before.State.Request!, granted);
        }

        return changes.Count;
    }

    static LeaseChange? Change(DispatchGrant grant, Loaded<LeaseState> lease) =>
        LeaseDecider.Decide(lease.State, new LeaseCommand.Grant(grant.Slot)) is Decision<ILeaseEvent>.Events { Items.Count: > 0 } e
            ? new LeaseChange(grant.LeaseUid, lease, e.Items)
            : null;

    // What leases show of their waiting is written when it changes (R10): another reason to all heads of the group, another place to the
    // first ones.
    async Task TellAsync(DispatchResult round, QueueSnapshot queue, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (_told is null || !_told.Select(Told).SequenceEqual(round.Waiting.Select(Told)))
            await ledger.SetWaitsAsync(pool, round.Waiting, epoch, cancel);
        _told = round.Waiting;
        var changed = new HashSet<string>(StringComparer.Ordinal);
        var waiting = round.Front.Select(w => w.LeaseUid).ToHashSet(StringComparer.Ordinal);
        foreach (var reason in round.Waiting)
        {
            var key = (reason.Group.Tenant, reason.Group.Need);
            if (_codes.GetValueOrDefault(key) != reason.Code)
                changed.UnionWith(reason.Group.Heads.Select(h => h.LeaseUid).Where(waiting.Contains));
            _codes[key] = reason.Code;
        }

        foreach (var over in _codes.Keys.Except(round.Waiting.Select(r => (r.Group.Tenant, r.Group.Need))).ToList())
            _codes.Remove(over);
        if (_frontToldAt is not { } at || time.GetElapsedTime(at) >= SoonestPositions)
        {
            var front = round.Front.Take(WaitRow.LastPosition).Select(w => w.LeaseUid).ToList();
            changed.UnionWith(front.Where((uid, i) => i >= _front.Count || _front[i] != uid));
            (_front, _frontToldAt) = (front, time.GetTimestamp());
        }

        foreach (var uid in changed)
            signals.LeaseWaits(queue.Names[uid]);
    }

    static (string, DeviceNeed, string, string) Told(WaitReason r) => (r.Group.Tenant, r.Group.Need, r.Code, r.Message);
}
