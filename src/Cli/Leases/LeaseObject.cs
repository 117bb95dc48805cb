using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Cli.Leases;

/// <summary>The GpuLease that a command runs under.</summary>
static class LeaseObject
{
    const int LongestHolder = 253;

    public static GpuLease Of(LeaseRunOptions options, string ns, Guid id, string who) => new()
    {
        Metadata = new ObjectMeta { Name = options.Name ?? $"run-{id:N}"[..20], Namespace = ns },
        Spec = new GpuLeaseSpec
        {
            Pool = options.Pool,
            Holder = new LeaseHolder { Kind = "Command", Name = who.Length > LongestHolder ? who[..LongestHolder] : who },
            MaxWaitSeconds = options.MaxWaitSeconds,
            SoftSeconds = options.SoftSeconds,
            HardSeconds = options.HardSeconds,
            PriorityBoost = options.Boost == 0 ? null : options.Boost,
            Resources = options.VramMiB + options.EncodeSessions + options.DecodeSessions == 0 ? null : new LeaseResources
            {
                VramMiB = options.VramMiB, EncodeSessions = options.EncodeSessions, DecodeSessions = options.DecodeSessions,
            },
        },
    };

    /// <summary>A lease that nobody needs any more. Its history stays; an object that cannot be deleted now is only untidy.</summary>
    public static async Task DeleteAsync(IKubernetesClient client, GpuLease lease, LeaseSay say, CancellationToken ct)
    {
        try
        {
            await client.DeleteAsync<GpuLease>(
                lease.Metadata.Name!, lease.Metadata.Namespace, DeleteOptions.ForUid(lease.Metadata.Uid), ct);
        }
        catch (Exception e) when (e is KubernetesException or OperationCanceledException)
        {
            say.Problem($"GpuLease {lease.Metadata.Namespace}/{lease.Metadata.Name} could not be deleted ({e.Message}); kubectl delete gl does");
        }
    }
}
