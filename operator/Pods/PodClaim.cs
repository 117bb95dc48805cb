using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Pools;
using Framelease.Resources;

namespace Framelease.Operator.Pods;

/// <summary>
/// The ResourceClaim of one attempt's pod (binding DRA): for exactly the device of the grant, named as the pod, owned by the GpuLease. It
/// is made before the pod, which waits for it, and goes when the pod's end is on record, or with the GpuLease.
/// </summary>
static class PodClaim
{
    /// <summary>What pod and container call it.</summary>
    public const string Name = "device";

    public static ResourceClaim Build(VideoTask task, string name, int scene, int attempt, string leaseUid, LeaseGranted grant) => new()
    {
        ApiVersion = "resource.k8s.io/v1",
        Kind = nameof(ResourceClaim),
        Metadata = new ObjectMeta
        {
            Name = name,
            Namespace = task.Metadata.Namespace,
            Labels = WorkerPod.Labels(task.Metadata.Uid!, scene, attempt),
            OwnerReferences = [new OwnerReference(ApiGroup.ApiVersion, nameof(GpuLease), name, leaseUid, Controller: true)],
        },
        Spec = new ResourceClaimSpec
        {
            Devices = new DeviceClaim
            {
                Requests =
                [
                    new DeviceRequest
                    {
                        Name = Name,
                        Exactly = new ExactDeviceRequest
                        {
                            DeviceClassName = grant.Terms.Dra!.DeviceClass,
                            AllocationMode = "ExactCount",
                            Count = 1,
                            Selectors = [new DeviceSelector(new CelDeviceSelector(Selector(grant.Terms.Dra, grant.Slot.Device)))],
                        },
                    },
                ],
            },
        },
    };

    /// <summary>
    /// True of that device alone, and an error of none: an attribute that a device lacks would end the scheduler's look at all of them.
    /// </summary>
    /// <exception cref="ArgumentException">The id is none that a slice may have brought here.</exception>
    public static string Selector(DraTerms terms, string id)
    {
        if (!DraDevices.IsId(id))
            throw new ArgumentException($"'{id}' is no device id that a claim may name", nameof(id));
        var slash = terms.IdAttribute.IndexOf('/', StringComparison.Ordinal);
        var attributes = $"device.attributes[\"{(slash < 0 ? terms.Driver : terms.IdAttribute[..slash])}\"]";
        var name = terms.IdAttribute[(slash + 1)..];
        return $"device.driver == \"{terms.Driver}\" && \"{name}\" in {attributes} && {attributes}[\"{name}\"] == \"{id}\"";
    }

    public static bool IsOurs(ResourceClaim claim) =>
        claim.Metadata.Labels?.GetValueOrDefault(ApiGroup.ManagedByLabel) == WorkerPod.ManagedBy
        && claim.Metadata.OwnerReferences?.Any(o => o is { ApiVersion: ApiGroup.ApiVersion, Kind: nameof(GpuLease) }) is true;

    /// <summary>A claim of this lease, for the device of this grant: what an earlier try made.</summary>
    public static bool IsSame(ResourceClaim found, ResourceClaim wish) =>
        found.Metadata.OwnerReferences?.Any(o => o.Uid == wish.Metadata.OwnerReferences![0].Uid) is true
        && found.Spec.Devices.Requests is [{ Exactly: { } one }] && wish.Spec.Devices.Requests is [{ Exactly: { } other }]
        && one.DeviceClassName == other.DeviceClassName && (one.AllocationMode ?? "ExactCount") == other.AllocationMode
        && (one.Count ?? 1) == other.Count
        && (one.Selectors ?? []).Select(s => s.Cel?.Expression).SequenceEqual(other.Selectors!.Select(s => s.Cel?.Expression));

    /// <summary>The pod has ended: nobody needs the claim any more.</summary>
    public static async Task DropAsync(IKubernetesClient kubernetes, Pod pod, CancellationToken cancel)
    {
        var name = pod.Metadata.Name!;
        if (pod.Spec?.ResourceClaims?.Any(c => c.ResourceClaimName == name) is not true
            || await kubernetes.FindAsync<ResourceClaim>(name, pod.Metadata.Namespace, cancel) is not { } claim
            || claim.Metadata.DeletionTimestamp is not null || !IsOurs(claim))
            return;
        await kubernetes.DeleteAsync<ResourceClaim>(name, pod.Metadata.Namespace, DeleteOptions.ForUid(claim.Metadata.Uid), cancel);
    }
}
