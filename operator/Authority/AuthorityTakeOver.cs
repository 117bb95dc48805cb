using System.Globalization;
using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Operator.Pools;
using Framelease.Operator.Status;

namespace Framelease.Operator.Authority;

/// <summary>
/// R12, at every start: is the database the one that the platform last wrote to, and does it hold everything that Kubernetes has seen? If not, one
/// transaction takes the authority over: every slot into quarantine, every token and epoch above a floor that no lost grant reached, one event
/// that tells of it. Before it nothing is granted (the database refuses), after it slot by slot as <see cref="AuthorityRelease"/> finds proof.
/// </summary>
/// <param name="adopt">A database that belongs to another cluster is taken over for this one instead of refused.</param>
sealed class AuthorityTakeOver(IAuthorityStore store, ClusterIdentity cluster, ILogger logger, bool adopt = false)
{
    /// <summary>More grants of one slot than any lost stretch of history can hold.</summary>
    public const long Step = 1_000_000;

    /// <returns>What to leave with Kubernetes as the new witness.</returns>
    /// <exception cref="DatabaseOfAnotherClusterException">Not ours to take, unless told so.</exception>
    public async Task<SeenAuthority> EnsureAsync(AuthorityWitness witness, CancellationToken cancel)
    {
        var adopted = await AdoptedAsync(cancel);
        while (true)
        {
            var state = await store.ReadAsync(cancel);
            var position = await store.LastEventAsync(cancel);
            if ((state.Difference ?? await AheadAsync(witness, state, position, cancel) ?? adopted) is not { } reason)
                return new(state.Recorded!.Incarnation, state.SystemIdentifier, state.Timeline, position, state.Recorded.Floor);
            if (await TryTakeAsync(witness, state, reason, cancel))
            {
                // what Kubernetes has seen is covered now, and so is the adoption: neither must be a reason once more
                (witness, adopted) = (AuthorityWitness.None, null);
                await store.ReplaceOwnerAsync(cluster.Uid, cancel);
            }
        }
    }

    /// <summary>Two clusters on one database would each take the other's slots and epochs for strangers.</summary>
    /// <returns>Why the authority is to be taken over; null when the database is this cluster's.</returns>
    async Task<string?> AdoptedAsync(CancellationToken cancel)
    {
        var owner = await store.ClaimAsync(cluster.Uid, cancel);
        if (owner == cluster.Uid)
            return null;
        return adopt ? Text($"the database was cluster {owner}'s and is cluster {cluster.Uid}'s now")
            : throw new DatabaseOfAnotherClusterException(owner, cluster.Uid);
    }

    /// <summary>What Kubernetes has seen that the log lacks, on a server that is the same as before: a disk that was set back.</summary>
    async Task<string?> AheadAsync(AuthorityWitness witness, AuthorityState state, long position, CancellationToken cancel)
    {
        if (witness.Seen is { } seen)
        {
            if (seen.Incarnation > state.Recorded!.Incarnation)
                return Text($"the cluster has seen incarnation {seen.Incarnation} of the authority; the database ends at {state.Recorded.Incarnation}");
            if (seen.Position > position)
                return Text($"the cluster has seen the log up to {seen.Position}; it ends at {position}");
        }

        var tokens = await store.TokensAsync(cancel);
        return witness.Grants.FirstOrDefault(g => g.Token > tokens.GetValueOrDefault((g.Node, g.Device, g.Slot))) is { } grant
            ? Text($"the cluster has seen token {grant.Token} of slot {grant.Node}/{grant.Device}#{grant.Slot}; ")
                + Text($"the database ends at {tokens.GetValueOrDefault((grant.Node, grant.Device, grant.Slot))}")
            : null;
    }

    async Task<bool> TryTakeAsync(AuthorityWitness witness, AuthorityState state, string reason, CancellationToken cancel)
    {
        var highest = Math.Max(await store.HighestTokenAsync(cancel), witness.Grants.Select(g => g.Token).DefaultIfEmpty(0).Max());
        var floor = checked(Math.Max(highest, Math.Max(state.Recorded?.Floor ?? 0, witness.Seen?.Floor ?? 0)) + Step);
        var taking = new AuthorityTaking(witness, state, floor, reason) { Lost = await LostAsync(witness, cancel) };
        if (await store.TryTakeAsync(taking, cancel) is not { } slots)
            return false;
        Log.AuthorityTaken(logger, reason, slots, floor);
        return true;
    }

    // A lease is granted once (R6).
    async Task<IReadOnlyList<LeaseChange>> LostAsync(AuthorityWitness witness, CancellationToken cancel)
    {
        var shown = witness.Grants.Select(g => g.LeaseUid).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var waiting = await store.LoadWaitingAsync(shown, cancel);
        return
        [
            .. waiting.OrderBy(w => w.Key, StringComparer.Ordinal).Select(w =>
                new LeaseChange(w.Key, w.Value, LeaseSteps.Decide(w.Value.State, new LeaseCommand.GiveUp(LostHistory.Condition)))),
        ];
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The start is refused: the history in the database is that of another cluster.</summary>
sealed class DatabaseOfAnotherClusterException(string owner, string cluster) : Exception(
    $"the database belongs to cluster {owner} (the UID of its namespace kube-system); this is cluster {cluster}. Mend: name a database of this "
    + "cluster's own in FRAMELEASE_POSTGRES or, if the other cluster is gone and its workers with it, start once with --adopt-database");
