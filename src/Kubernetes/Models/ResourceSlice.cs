// resource.k8s.io/v1 ResourceSlice: the devices that a driver publishes; the fields that a controller needs which counts them.
using Framelease.Kubernetes.Schema;

namespace Framelease.Kubernetes.Models;

[KubernetesEntity("resource.k8s.io", "v1", "ResourceSlice", "resourceslices", Namespaced = false)]
public sealed record ResourceSlice : KubernetesObject
{
    public ResourceSliceSpec Spec { get; init => field = value ?? new(); } = new();
}

public sealed record ResourceSliceSpec
{
    public string Driver { get; init => field = value ?? ""; } = "";

    public ResourceSlicePool Pool { get; init => field = value ?? new(); } = new();

    /// <summary>
    /// Exactly one of this, <see cref="AllNodes"/>, <see cref="NodeSelector"/> and <see cref="PerDeviceNodeSelection"/> is set.
    /// </summary>
    public string? NodeName { get; init; }

    public bool? AllNodes { get; init; }

    public System.Text.Json.JsonElement? NodeSelector { get; init; }

    public bool? PerDeviceNodeSelection { get; init; }

    public IReadOnlyList<SliceDevice>? Devices { get; init; }
}

/// <summary>What a slice is a part of. Only slices of the highest generation count, and only when all of them are there.</summary>
public sealed record ResourceSlicePool
{
    public string Name { get; init => field = value ?? ""; } = "";

    public long Generation { get; init; }

    public long ResourceSliceCount { get; init; }
}

public sealed record SliceDevice
{
    /// <summary>Within its pool.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>By name; one without a domain is of the driver's.</summary>
    public IReadOnlyDictionary<string, DeviceAttribute>? Attributes { get; init; }

    /// <summary>By name, as <see cref="Attributes"/>.</summary>
    public IReadOnlyDictionary<string, DeviceCapacity>? Capacity { get; init; }

    public IReadOnlyList<DeviceTaint>? Taints { get; init; }

    /// <summary>Set on devices that are parts of something: what they take of it.</summary>
    public IReadOnlyList<CounterConsumption>? ConsumesCounters { get; init; }

    /// <summary>Several claims may have it at a time.</summary>
    public bool? AllowMultipleAllocations { get; init; }
}

/// <summary>Exactly one is set.</summary>
public sealed record DeviceAttribute
{
    public long? Int { get; init; }

    public bool? Bool { get; init; }

    public string? String { get; init; }

    public string? Version { get; init; }
}

/// <param name="Value">A quantity.</param>
public sealed record DeviceCapacity(string? Value);

/// <param name="Effect">None, NoSchedule or NoExecute.</param>
public sealed record DeviceTaint(string? Key, string? Effect, string? Value = null, DateTimeOffset? TimeAdded = null);

public sealed record CounterConsumption(string? CounterSet);

/// <summary>resource.k8s.io/v1 DeviceClass: which devices a claim may name by it. Its selectors are the scheduler's to read.</summary>
[KubernetesEntity("resource.k8s.io", "v1", "DeviceClass", "deviceclasses", Namespaced = false)]
public sealed record DeviceClass : KubernetesObject;
