using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Authority;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>The authority's port over a <see cref="MemoryDatabase"/>, as the SQL of <see cref="PostgresAuthority"/> has it.</summary>
sealed class MemoryAuthority(MemoryDatabase database, IDatabaseWay way) : IAuthorityStore
{
    MemoryTables T => database.Tables;

    public Task<AuthorityState> ReadAsync(CancellationToken cancel) =>
        way.AskAsync("authority", () => new AuthorityState(T.Recorded, database.System, database.Timeline, !T.HasAuthority), cancel);

    public Task<string> ClaimAsync(string owner, CancellationToken cancel) => way.AskAsync("claim", () => T.Owner ??= owner, cancel);

    public Task ReplaceOwnerAsync(string owner, CancellationToken cancel) => way.AskAsync("own", () => T.Owner = owner, cancel);

    public Task<long> LastEventAsync(CancellationToken cancel) => way.AskAsync("last event", () => (long)T.Log.Count, cancel);

    public Task<IReadOnlyDictionary<(string Node, string Device, int Slot), long>> TokensAsync(CancellationToken cancel) =>
        way.AskAsync<IReadOnlyDictionary<(string, string, int), long>>(
            "tokens",
            () => T.Slots.Values.ToDictionary(s => (s.Key.Node, s.Key.Device, s.Key.Slot), s => Math.Max(s.Slot.Token, s.TokenFloor)),
            cancel);

    public Task<long> HighestTokenAsync(CancellationToken cancel) => way.AskAsync(
        "highest token",
        () => Math.Max(
            T.Slots.Values.Select(s => Math.Max(s.Slot.Token, s.TokenFloor)).DefaultIfEmpty().Max(),
            T.Log.Select(e => e.Data).OfType<LeaseGranted>().Select(g => g.Token).DefaultIfEmpty().Max()),
        cancel);

    public Task<IReadOnlyDictionary<string, Loaded<LeaseState>>> LoadWaitingAsync(
        IReadOnlyCollection<string> leaseUids, CancellationToken cancel) => way.AskAsync<IReadOnlyDictionary<string, Loaded<LeaseState>>>(
        "waiting leases",
        () => leaseUids.Where(uid => T.Leases.GetValueOrDefault(uid)?.State == "Pending").ToDictionary(
            uid => uid,
            uid =>
            {
                var events = database.Stream(PostgresLedger.LeaseStream(uid));
                return new Loaded<LeaseState>(
                    events.Aggregate(LeaseState.Initial, (s, e) => s.Evolve(e.Data, e.At)), events.Count, database.Now);
            },
            StringComparer.Ordinal),
        cancel);

    public Task<long?> TryTakeAsync(AuthorityTaking taking, CancellationToken cancel) => way.AskAsync(
        "take the authority",
        () =>
        {
            if ((T.Recorded?.Incarnation ?? 0) != (taking.Seen.Recorded?.Incarnation ?? 0))
                return (long?)null;
            try
            {
                database.Commit(new LedgerCommit("operator", [], taking.Lost));
            }
            catch (LedgerConflictException)
            {
                return null;
            }

            Take(taking);
            database.AppendAny(
                $"authority-{database.Cluster}", "operator", null,
                new AuthorityChanged(
                    taking.Incarnation, taking.Reason, database.System, database.Timeline, taking.Floor, taking.Witness.Pods.Count));
            return T.Slots.Count;
        },
        cancel);

    void Take(AuthorityTaking taking)
    {
        (T.Recorded, T.HasAuthority) = (
            new AuthorityIncarnation(taking.Incarnation, database.System, database.Timeline, taking.Floor, taking.Reason, database.Now), true);
        T.EpochFloor = taking.Floor;
        foreach (var role in T.Epochs.Keys.ToList())
            T.Epochs[role] = T.Epochs[role] with { Holder = null, Epoch = Math.Max(T.Epochs[role].Epoch, taking.Floor) };
        foreach (var g in taking.Witness.Grants)
        {
            var key = new SlotKey(database.Cluster, g.Node, g.Device, g.Slot);
            if (!T.Slots.ContainsKey(key))
                T.Slots[key] = new SlotRow(new SlotSnapshot(key, "", SlotState.Quarantined, 0, null, "", "", 0), null, 0, database.Now);
        }

        foreach (var row in T.Slots.Values.ToList())
        {
            T.Slots[row.Key] = row with
            {
                Slot = row.Slot with { State = SlotState.Quarantined },
                Reason = "AuthorityChanged",
                TokenFloor = taking.Floor,
                ChangedAt = database.Now,
            };
        }

        foreach (var p in taking.Witness.Pods)
            T.AuthorityPods[p.Uid] = new AuthorityPod(p.Uid, p.Name, p.Node);
        foreach (var h in taking.Witness.Holders.Where(h => !T.AuthorityHolders.ContainsKey(h.LeaseUid)))
        {
            if (h.Grant is { } g)
                T.AuthorityHolders[h.LeaseUid] = new AuthorityHolder(h.LeaseUid, h.Name, g.Node, g.Device, g.Slot, g.Token, h.BootId);
            else if (T.Leases.GetValueOrDefault(h.LeaseUid) is { Attached: true }
                && T.Slots.Values.FirstOrDefault(s => s.Slot.LeaseUid == h.LeaseUid) is { } slot)
                T.AuthorityHolders[h.LeaseUid] = new AuthorityHolder(
                    h.LeaseUid, h.Name, slot.Key.Node, slot.Key.Device, slot.Key.Slot, slot.Slot.Token, null);
        }
    }
}
