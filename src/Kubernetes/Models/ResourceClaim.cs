// resource.k8s.io/v1 ResourceClaim: devices that a pod asks for, and what it was given; the fields that our controllers write or read.
using Framelease.Kubernetes.Schema;

namespace Framelease.Kubernetes.Models;

[KubernetesEntity("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims")]
public sealed record ResourceClaim : KubernetesObject
{
    public ResourceClaimSpec Spec { get; init => field = value ?? new(); } = new();

    public ResourceClaimStatus? Status { get; init; }
}

public sealed record ResourceClaimSpec
{
    public DeviceClaim Devices { get; init => field = value ?? new(); } = new();
}

public sealed record DeviceClaim
{
    public IReadOnlyList<DeviceRequest>? Requests { get; init; }
}

public sealed record DeviceRequest
{
    public string Name { get; init => field = value ?? ""; } = "";

    public ExactDeviceRequest? Exactly { get; init; }
}

public sealed record ExactDeviceRequest
{
    public string DeviceClassName { get; init => field = value ?? ""; } = "";

    /// <summary>All must be true of a device.</summary>
    public IReadOnlyList<DeviceSelector>? Selectors { get; init; }

    /// <summary>ExactCount (the server's default) or All.</summary>
    public string? AllocationMode { get; init; }

    public long? Count { get; init; }
}

public sealed record DeviceSelector(CelDeviceSelector? Cel);

public sealed record CelDeviceSelector(string? Expression);

public sealed record ResourceClaimStatus
{
    public AllocationResult? Allocation { get; init; }

    public IReadOnlyList<ResourceClaimConsumer>? ReservedFor { get; init; }
}

public sealed record AllocationResult
{
    public DeviceAllocationResult? Devices { get; init; }
}

public sealed record DeviceAllocationResult
{
    public IReadOnlyList<DeviceRequestAllocation>? Results { get; init; }
}

/// <summary>One device that a claim has.</summary>
public sealed record DeviceRequestAllocation
{
    public string Request { get; init => field = value ?? ""; } = "";

    public string Driver { get; init => field = value ?? ""; } = "";

    public string Pool { get; init => field = value ?? ""; } = "";

    public string Device { get; init => field = value ?? ""; } = "";

    /// <summary>It looks at the device and does not have it.</summary>
    public bool? AdminAccess { get; init; }
}

/// <param name="Resource">Plural, for example <c>pods</c>.</param>
public sealed record ResourceClaimConsumer(string Resource, string Name, string Uid, string? ApiGroup = null);
