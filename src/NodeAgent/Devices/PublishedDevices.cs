using Framelease.Devices;

namespace Framelease.NodeAgent.Devices;

/// <summary>
/// What a node says of its devices, look by look: pure bookkeeping. A device that was there and is listed no more stays, as degraded: its
/// slots may be held, and somebody is to hear of it. One look that failed says nothing; three in a row are a driver that has failed.
/// </summary>
sealed class PublishedDevices
{
    const int FailuresThatCount = 3;

    readonly SortedDictionary<string, NodeDevice> _known = new(StringComparer.Ordinal);
    int _failures;

    /// <param name="before">As the node's annotation says now.</param>
    public PublishedDevices(IReadOnlyList<NodeDevice>? before)
    {
        foreach (var device in (before ?? []).Where(d => d.Kind == "Gpu"))
            _known[device.Id] = device with { Health = null, HealthReason = null };
    }

    /// <param name="listed">Null: the look failed.</param>
    /// <param name="faults">Null: nothing can be told.</param>
    /// <returns>The list to publish; null when nothing can be said yet.</returns>
    public IReadOnlyList<NodeDevice>? After(IReadOnlyList<NodeDevice>? listed, IReadOnlyDictionary<string, string>? faults)
    {
        if (listed is null && ++_failures < FailuresThatCount)
            return null;
        if (listed is not null)
            _failures = 0;
        foreach (var device in listed ?? [])
            _known[device.Id] = device;
        var present = listed?.Select(d => d.Id).ToHashSet(StringComparer.Ordinal);
        return _known.Count == 0 ? listed : [.. _known.Values.Select(d => Judged(d, present, faults)).OrderBy(d => d.Index)];
    }

    static NodeDevice Judged(NodeDevice device, HashSet<string>? present, IReadOnlyDictionary<string, string>? faults)
    {
        var why = present is null ? "nvidia-smi fails"
            : !present.Contains(device.Id) ? "nvidia-smi lists it no more"
            : faults?.GetValueOrDefault(device.Id);
        return device with { Health = why is null ? null : "Degraded", HealthReason = why };
    }
}
