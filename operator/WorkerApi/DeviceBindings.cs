using System.Collections.Concurrent;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// Which device a kubelet gave to a worker, where the kubelet chooses (binding DevicePlugin). In a pool whose devices are not shared, two
/// workers that see the same one are a fault of its device plugin: the second is not let near it, and its slot is out of service for a
/// while.
/// </summary>
sealed class DeviceBindings(ILedger ledger, AttemptService attempts, ILogger logger)
{
    const int MostDevices = 64;
    const int LongestId = 128;
    const int MostDoubts = 10_000;

    /// <summary>When a worker was first found with another's device, by PostgreSQL's clock.</summary>
    readonly ConcurrentDictionary<string, DateTimeOffset> _doubts = new(StringComparer.Ordinal);

    /// <summary>
    /// What the worker is to be bound to. A device that is another's on record may have been given back this moment, its pod's end not on
    /// record yet: the worker tries again. Once the other has beaten since, both live on it.
    /// </summary>
    /// <param name="ids">As the worker tells; null when it cannot.</param>
    /// <returns>Null where nothing is to be bound, or the worker cannot tell.</returns>
    /// <exception cref="HttpProblem">425: try again; 409 DeviceConflict: both live on it, and the attempt was returned.</exception>
    public async Task<string?> SeenAsync(AttemptFence fence, IReadOnlyList<string>? ids, string actor, CancellationToken cancel)
    {
        if (ids is null or { Count: 0 } || fence.LeaseUid is null)
            return null;
        if ((await ledger.LoadLeaseAsync(fence.LeaseUid, cancel)).State is not { Grant.Terms.DevicePlugin: { } plugin, Attachment: null })
            return null;
        if (One(ids) is not { } uuid)
        {
            Log.DevicesAmbiguous(logger, fence.PodUid, ids.Count, plugin.Resource);
            return null;
        }

        if (plugin.Shared || await ledger.FindBoundAsync(uuid, cancel) is not { } other || other.Slot.LeaseUid == fence.LeaseUid)
            return uuid;
        if (_doubts.Count > MostDoubts)
            _doubts.Clear();
        if (!(other.BeatAt > _doubts.GetOrAdd(fence.PodUid, other.DatabaseNow)))
        {
            throw new HttpProblem(
                425, "TooEarly", $"device {uuid} is that of lease {other.Lease} on record, whose pod may have just ended; try again");
        }

        var message = $"the kubelet gave device {uuid} to lease {other.Lease} ({other.Slot.Key}) and to this one, and both are alive: "
            + $"{plugin.Resource} is shared, and the pool says that it is not (spec.shared)";
        Log.DeviceConflict(logger, fence.PodUid, message);
        await attempts.DeviceConflictAsync(fence, message, new DeviceLook(message, true), actor, cancel);
        throw new HttpProblem(409, "DeviceConflict", message);
    }

    // A worker that sees several has more than its lease: nothing tells which it will use.
    static string? One(IReadOnlyList<string> ids) =>
        ids.Take(MostDevices).Distinct(StringComparer.Ordinal).ToList() is [{ Length: > 0 and <= LongestId } id]
        && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or ':') ? id : null;
}
