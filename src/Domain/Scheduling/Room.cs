using Framelease.Domain.Leasing;

namespace Framelease.Domain.Scheduling;

/// <summary>
/// Free slots of one round, so ordered that a slot is found and taken in O(log devices): by load for leases that count nothing, by memory
/// that is left for those that do (best fit, so that large requests find room).
/// </summary>
sealed class Room
{
    readonly SortedSet<Entry> _byLoad = new(Comparer<Entry>.Create(ByLoad));
    readonly SortedSet<Entry> _byMemory = new(Comparer<Entry>.Create(ByMemory));
    readonly SortedSet<Entry> _onProbation = new(Comparer<Entry>.Create(ByLoad));

    public Room(IEnumerable<DeviceView> devices)
    {
        foreach (var device in devices.Where(d => d.Traits.OutOfService is null))
        {
            // One lease at a time tells whether it is fit.
            var most = !device.Traits.OnProbation ? int.MaxValue : device.Slots.All(s => s.State is SlotState.Free) ? 1 : 0;
            var free = new Queue<SlotSnapshot>(
                device.Slots.Where(s => s.State is SlotState.Free).OrderBy(s => s.Token).ThenBy(s => s.Key.Slot).Take(most));
            if (free.Count > 0)
                Put(new Entry(device, free, device.Used, device.Slots.Count - free.Count));
        }
    }

    public bool IsEmpty => _byLoad.Count == 0 && _onProbation.Count == 0;

    /// <summary>The most memory that a device with a free slot has left.</summary>
    public int MostFreeMiB => Math.Max(
        _byMemory.Count == 0 ? 0 : _byMemory.Max!.FreeMiB, _onProbation.Select(e => e.FreeMiB).DefaultIfEmpty(0).Max());

    /// <returns>Null when no device with a free slot has room now.</returns>
    public SlotSnapshot? Take(DeviceNeed need)
    {
        if (Find(need) is not { } entry)
            return null;
        Remove(entry);
        var slot = entry.Free.Dequeue();
        if (entry.Free.Count > 0)
            Put(entry.With(need));
        return slot;
    }

    /// <summary>Keeps what is left of a device for somebody who needs more than is free now.</summary>
    public void Keep(DeviceView device)
    {
        if (_byLoad.Concat(_onProbation).FirstOrDefault(e => ReferenceEquals(e.Device, device)) is { } entry)
            Remove(entry);
    }

    // Devices on probation are few, and chosen last.
    Entry? Find(DeviceNeed need) => FindHealthy(need) ?? _onProbation.FirstOrDefault(e => e.HasRoom(need));

    Entry? FindHealthy(DeviceNeed need)
    {
        if (need.VramMiB == 0)
            return _byLoad.FirstOrDefault(e => e.HasSessions(need));
        var most = _byMemory.Max;
        return most is null || most.FreeMiB < need.VramMiB
            ? null
            : _byMemory.GetViewBetween(Entry.AtLeast(need.VramMiB), most).FirstOrDefault(e => e.HasSessions(need));
    }

    void Put(Entry entry)
    {
        if (entry.Device.Traits.OnProbation)
        {
            _onProbation.Add(entry);
            return;
        }

        _byLoad.Add(entry);
        _byMemory.Add(entry);
    }

    void Remove(Entry entry)
    {
        _byLoad.Remove(entry);
        _byMemory.Remove(entry);
        _onProbation.Remove(entry);
    }

    static int ByMemory(Entry a, Entry b) => a.FreeMiB.CompareTo(b.FreeMiB) is not 0 and var free ? free : ByLoad(a, b);

    // Least loaded first, then longest unused: work spreads, and every device has its turn. The node and the device tell the rest apart.
    static int ByLoad(Entry a, Entry b) =>
        a.Load.CompareTo(b.Load) is not 0 and var load ? load
        : a.NextToken.CompareTo(b.NextToken) is not 0 and var token ? token
        : string.CompareOrdinal(a.Device.Node, b.Device.Node) is not 0 and var node ? node
        : string.CompareOrdinal(a.Device.Device, b.Device.Device);

    sealed record Entry(DeviceView Device, Queue<SlotSnapshot> Free, DeviceNeed Used, int Load)
    {
        static readonly DeviceView Nowhere = new("", "", DeviceTraits.Unknown, DeviceNeed.None, []);

        /// <summary>Memory that is not known is not counted.</summary>
        public int FreeMiB { get; } = Device.Traits.MemoryMiB == 0 ? int.MaxValue : Math.Max(0, Device.Traits.MemoryMiB - Used.VramMiB);

        // Fixed when the entry is put: the queue's head moves only after it was removed.
        public long NextToken { get; } = Free.TryPeek(out var next) ? next.Token : -1;

        /// <summary>Sorts before every entry with as much memory free.</summary>
        public static Entry AtLeast(int freeMiB) =>
            new(Nowhere with { Traits = new DeviceTraits(Math.Max(1, freeMiB), 0, 0) }, new(), DeviceNeed.None, -1);

        public bool HasRoom(DeviceNeed need) => need.VramMiB <= FreeMiB && HasSessions(need);

        public bool HasSessions(DeviceNeed need) =>
            Fits(Device.Traits.EncodeSessions, Used.EncodeSessions + need.EncodeSessions, need.EncodeSessions)
            && Fits(Device.Traits.DecodeSessions, Used.DecodeSessions + need.DecodeSessions, need.DecodeSessions);

        public Entry With(DeviceNeed need) => new(
            Device, Free,
            new DeviceNeed(
                Used.VramMiB + need.VramMiB, Used.EncodeSessions + need.EncodeSessions, Used.DecodeSessions + need.DecodeSessions),
            Load + 1);

        static bool Fits(int has, int together, int needs) => has == 0 || needs == 0 || together <= has;
    }
}
