using System.Globalization;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Leases;
using Framelease.Operator.Pods;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Authority;

/// <summary>
/// What Kubernetes knows of the log (R12): it is not restored together with the database, so it may have seen what a restored log lacks.
/// </summary>
/// <param name="Seen">The authority as it was last written into ConfigMap framelease-authority; null when there is none.</param>
/// <param name="Grants">Slots and tokens in the status of GpuLeases.</param>
/// <param name="Pods">Worker pods that have not ended.</param>
sealed record AuthorityWitness(SeenAuthority? Seen, IReadOnlyList<SeenGrant> Grants, IReadOnlyList<SeenPod> Pods)
{
    /// <summary>GpuLeases whose holder is no pod, and of which it is not told that they have ended and left their slot free.</summary>
    public IReadOnlyList<SeenHolder> Holders { get; init; } = [];

    const string ConfigMapName = "framelease-authority";

    public static AuthorityWitness None { get; } = new(null, [], []);

    public static async Task<AuthorityWitness> ReadAsync(IKubernetesClient kubernetes, string ns, CancellationToken cancel)
    {
        var map = await kubernetes.FindAsync<ConfigMap>(ConfigMapName, ns, cancel);
        var leases = await LeasesAsync(kubernetes, cancel);
        var pods = await kubernetes.ListAllAsync<Pod>(
            options: new ListOptions { LabelSelector = $"{ApiGroup.ManagedByLabel}={WorkerPod.ManagedBy}" }, ct: cancel);
        var nodes = await kubernetes.ListAllAsync<Node>(ct: cancel);
        return new(
            SeenAuthority.Parse(map?.Data),
            [.. leases.Where(l => l.Status is { Node: not null, Device: not null, Token: not null })
                .Select(l => new SeenGrant(
                    l.Status!.Node!, l.Status.Device!, l.Status.Slot ?? 0, l.Status.Token!.Value, l.Metadata.Uid))],
            [.. pods.Items.Where(p => WorkerPod.NodeOf(p) is not null && PodObservation.EndOf(p) is null)
                .Select(p => new SeenPod(p.Metadata.Uid!, $"{p.Metadata.Namespace}/{p.Metadata.Name}", WorkerPod.NodeOf(p)!))])
        {
            Holders = [.. leases.Where(MayBeHeld).Select(l => SeenHolder.Of(l, nodes.Items))],
        };
    }

    // A status is written after what it tells of: an end that it shows is true, one that it does not show may yet be.
    static bool MayBeHeld(GpuLease lease) => LeaseAdmission.TaskOf(lease.Spec) is null
        && !(LostHistory.Is(lease.Status?.Conditions, "Finished") && LostHistory.Is(lease.Status?.Conditions, "SlotFree"));

    static async Task<IReadOnlyList<GpuLease>> LeasesAsync(IKubernetesClient kubernetes, CancellationToken cancel)
    {
        try
        {
            return (await kubernetes.ListAllAsync<GpuLease>(ct: cancel)).Items;
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            // The kind is not installed yet: no lease was ever seen.
            return [];
        }
    }

    /// <summary>Leaves word for the next start, which may find another database behind the same address.</summary>
    public static async Task PublishAsync(IKubernetesClient kubernetes, string ns, SeenAuthority authority, CancellationToken cancel)
    {
        var wish = new ConfigMap { Metadata = new ObjectMeta { Name = ConfigMapName, Namespace = ns }, Data = authority.ToData() };
        try
        {
            await kubernetes.CreateAsync(wish, cancel);
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            await kubernetes.PatchAsync<ConfigMap>(ConfigMapName, ns, Patch.Merge(new { data = wish.Data }), ct: cancel);
        }
    }
}

/// <param name="Position">The log's last number at that time.</param>
/// <param name="Floor">Of the incarnation; 0 where an older version wrote it down. A copy of before the incarnation does not know it.</param>
sealed record SeenAuthority(long Incarnation, string SystemIdentifier, long Timeline, long Position, long Floor = 0)
{
    /// <returns>Null for anything but whole data: a witness that cannot be read has seen nothing.</returns>
    public static SeenAuthority? Parse(IReadOnlyDictionary<string, string>? data) =>
        data is not null && Number(data, "incarnation") is { } incarnation && data.TryGetValue("systemIdentifier", out var system)
            && Number(data, "timeline") is { } timeline && Number(data, "position") is { } position
            ? new(incarnation, system, timeline, position, Number(data, "floor") ?? 0)
            : null;

    public Dictionary<string, string> ToData() => new(StringComparer.Ordinal)
    {
        ["incarnation"] = Incarnation.ToString(CultureInfo.InvariantCulture),
        ["systemIdentifier"] = SystemIdentifier,
        ["timeline"] = Timeline.ToString(CultureInfo.InvariantCulture),
        ["position"] = Position.ToString(CultureInfo.InvariantCulture),
        ["floor"] = Floor.ToString(CultureInfo.InvariantCulture),
    };

    static long? Number(IReadOnlyDictionary<string, string> data, string key) =>
        long.TryParse(data.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;
}

/// <param name="LeaseUid">Whose status shows it.</param>
sealed record SeenGrant(string Node, string Device, int Slot, long Token, string? LeaseUid = null);

sealed record SeenPod(string Uid, string Name, string Node);

/// <summary>A GpuLease that a process may hold without a pod.</summary>
/// <param name="Grant">Null while its status shows none: nobody attaches before it does.</param>
/// <param name="BootId">Of the grant's node, when it was ready.</param>
sealed record SeenHolder(string LeaseUid, string Name, SeenGrant? Grant, string? BootId)
{
    public static SeenHolder Of(GpuLease lease, IReadOnlyList<Node> nodes)
    {
        var grant = lease.Status is { Node: { } name, Device: { } device, Token: { } token }
            ? new SeenGrant(name, device, lease.Status.Slot ?? 0, token) : null;
        var node = nodes.FirstOrDefault(n => n.Metadata.Name == grant?.Node);
        var boot = node is not null && NodeSight.IsReady(node) ? node.Status?.NodeInfo?.BootID : null;
        return new(
            lease.Metadata.Uid!, $"{lease.Metadata.Namespace}/{lease.Metadata.Name}", grant, string.IsNullOrEmpty(boot) ? null : boot);
    }
}
