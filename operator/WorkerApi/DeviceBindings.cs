using System.Collections.Concurrent;
using Framelease.Domain.Leasing;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// Which device the cluster gave to a worker. Where the kubelet chooses (binding DevicePlugin), and the pool's devices are not shared, two
/// workers that see the same one are a fault of its device plugin; where the pod claims its slot's device (binding DRA), one that sees
/// another is a fault of its driver. Such a worker is not let near the device, and its slot is out of service for a while.
/// </summary>
sealed class DeviceBindings(ILedger ledger, AttemptService attempts, ILogger logger)
{
    const int MostDevices = 64;
    const int LongestId = 128;
    const int MostDoubts = 10_000;

    /// <summary>Of the UUIDs that NVIDIA's tools tell: a whole card, and a part of one. A worker on a part may be told the whole.</summary>
    static readonly string[] Kinds = ["GPU-", "MIG-"];

    /// <summary>When a worker was first found with another's device, by PostgreSQL's clock.</summary>
    readonly ConcurrentDictionary<string, DateTimeOffset> _doubts = new(StringComparer.Ordinal);

    /// <summary>
    /// What the worker is to be bound to. A device that is another's on record may have been given back this moment, its pod's end not on
    /// record yet: the worker tries again. Once the other has beaten since, both live on it.
    /// </summary>
    /// <param name="ids">As the worker tells; null when it cannot.</param>
    /// <returns>Null where nothing is to be bound, or the worker cannot tell.</returns>
    /// <exception cref="HttpProblem">
    /// 425: try again; 409 DeviceConflict: both live on it, or it is not the one that was claimed; the attempt was returned.
    /// </exception>
    public async Task<string?> SeenAsync(AttemptFence fence, IReadOnlyList<string>? ids, string actor, CancellationToken cancel)
    {
        if (ids is null or { Count: 0 } || fence.LeaseUid is null)
            return null;
        if ((await ledger.LoadLeaseAsync(fence.LeaseUid, cancel)).State is not { FollowsPod: true, Grant: { } grant, Attachment: null })
            return null;
        if (WrongDevice(grant, ids) is { } wrong)
            throw await ConflictAsync(fence, wrong, actor, cancel);
        var what = grant.Terms.DevicePlugin?.Resource ?? $"device of {grant.Terms.Dra!.Driver}";
        if (One(ids) is not { } uuid)
        {
            Log.DevicesAmbiguous(logger, fence.PodUid, ids.Count, what);
            return null;
        }

        // What it tells is the card, or no such id: the claim says more.
        if (grant.Terms.Dra is not null && !IsSame(uuid, grant.Slot.Device))
            return null;
        if (grant.Terms.DevicePlugin is { Shared: true } || await ledger.FindBoundAsync(uuid, cancel) is not { } other
            || other.Slot.LeaseUid == fence.LeaseUid)
            return uuid;
        if (_doubts.Count > MostDoubts)
            _doubts.Clear();
        if (!(other.BeatAt > _doubts.GetOrAdd(fence.PodUid, other.DatabaseNow)))
        {
            throw new HttpProblem(
                425, "TooEarly", $"device {uuid} is that of lease {other.Lease} on record, whose pod may have just ended; try again");
        }

        throw await ConflictAsync(
            fence,
            $"the kubelet gave device {uuid} to lease {other.Lease} ({other.Slot.Key}) and to this one, and both are alive: "
                + (grant.Terms.DevicePlugin is null ? "another pool hands it out, too"
                    : $"{what} is shared, and the pool says that it is not (spec.shared)"),
            actor, cancel);
    }

    /// <returns>What to throw, once the attempt was returned and the slot's device is known to be unfit.</returns>
    async Task<HttpProblem> ConflictAsync(AttemptFence fence, string message, string actor, CancellationToken cancel)
    {
        Log.DeviceConflict(logger, fence.PodUid, message);
        await attempts.DeviceConflictAsync(fence, message, new DeviceLook(message, true), actor, cancel);
        return new HttpProblem(409, "DeviceConflict", message);
    }

    /// <returns>Null unless the worker sees devices of the kind that it claimed, and its own is none of them.</returns>
    internal static string? WrongDevice(LeaseGranted grant, IReadOnlyList<string> ids)
    {
        if (grant.Terms.Dra is not { } dra
            || Array.Find(Kinds, k => grant.Slot.Device.StartsWith(k, StringComparison.OrdinalIgnoreCase)) is not { } kind)
            return null;
        var seen = ids.Take(MostDevices).Where(id => id.StartsWith(kind, StringComparison.OrdinalIgnoreCase)).ToList();
        return seen.Count == 0 || seen.Exists(id => IsSame(id, grant.Slot.Device)) ? null
            : $"the pod claims device {grant.Slot.Device} of driver {dra.Driver}, and its worker sees "
                + (seen is [var one] && IsId(one) ? one : "others")
                + ": the driver, or what the container runtime shows, is at fault";
    }

    static bool IsSame(string id, string other) => id.Equals(other, StringComparison.OrdinalIgnoreCase);

    // A worker that sees several has more than its lease: nothing tells which it will use.
    static string? One(IReadOnlyList<string> ids) =>
        ids.Take(MostDevices).Distinct(StringComparer.Ordinal).ToList() is [var id] && IsId(id) ? id : null;

    static bool IsId(string id) => id is { Length: > 0 and <= LongestId }
        && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or ':');
}
