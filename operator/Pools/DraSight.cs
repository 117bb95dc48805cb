using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.Operator.Pods;
using Framelease.Resources;

namespace Framelease.Operator.Pools;

/// <summary>What the cluster shows of dynamic resource allocation.</summary>
/// <param name="TakenBy">namespace/name of the claim of others that has a device, by driver, pool and name.</param>
/// <param name="Problem">Why nothing can be seen, and how to mend it; null when it can.</param>
sealed record DraSight(
    IReadOnlyList<ResourceSlice> Slices, IReadOnlyDictionary<(string Driver, string Pool, string Device), string> TakenBy,
    string? Problem = null)
{
    public static DraSight Nothing { get; } = Of([], []);

    public static DraSight Blind(string problem) => Nothing with { Problem = problem };

    public static DraSight Of(IReadOnlyList<ResourceSlice> slices, IEnumerable<ResourceClaim> claims)
    {
        var taken = new Dictionary<(string, string, string), string>();
        foreach (var claim in claims.Where(c => !PodClaim.IsOurs(c)))
        {
            foreach (var device in (claim.Status?.Allocation?.Devices?.Results ?? []).Where(r => r.AdminAccess is not true))
                taken[(device.Driver, device.Pool, device.Device)] = claim.Key().ToString();
        }

        return new DraSight(slices, taken);
    }
}

/// <summary>
/// Watches ResourceSlices and ResourceClaims, from the first pool with binding DRA on: clusters without resource.k8s.io (before Kubernetes
/// 1.34) are never asked for them otherwise, and such a pool asks once a look, not in a loop.
/// </summary>
sealed class DraInventory(IKubernetesClient kubernetes, StoreSet stores)
{
    readonly Lock _lock = new();
    Store<ResourceSlice>? _slices;
    Store<ResourceClaim>? _claims;

    /// <summary>A device was published or withdrawn, or a claim of others took or left one.</summary>
    public event Action? Changed;

    /// <returns>Null while the watches fill: whoever would act on nothing would take devices for gone.</returns>
    public async Task<DraSight?> LookAsync(CancellationToken cancel)
    {
        if (_slices is null)
        {
            if (await ProblemAsync<ResourceSlice>(cancel) is { } problem)
                return DraSight.Blind(problem);
            if (await ProblemAsync<ResourceClaim>(cancel) is { } other)
                return DraSight.Blind(other);
            Watch();
        }

        return _slices!.Ready.IsCompleted && _claims!.Ready.IsCompleted ? DraSight.Of(_slices.List(), _claims.List()) : null;
    }

    /// <returns>What is wrong with the class that claims of the pool name; null when it is there.</returns>
    public async Task<string?> ClassProblemAsync(GpuPoolSpec pool, CancellationToken cancel)
    {
        var name = DraDevices.ClassOf(pool);
        return await kubernetes.FindAsync<DeviceClass>(name, null, cancel) is null
            ? $"DeviceClassNotFound: there is no DeviceClass \"{name}\" (spec.deviceClassName): no claim would be served; "
                + "install the driver's, or name the right one"
            : null;
    }

    // Asked for once, before a watch that would ask for ever.
    async Task<string?> ProblemAsync<T>(CancellationToken cancel)
        where T : KubernetesObject
    {
        var resource = ResourceRef.Of<T>();
        try
        {
            await kubernetes.ListAsync<T>(resource, null, new ListOptions { Limit = 1 }, cancel);
            return null;
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            return $"DraNotServed: the API server has no {resource.Plural} in {resource.Group}/{resource.Version}: binding DRA needs "
                + "Kubernetes 1.34 or later with dynamic resource allocation; upgrade, or use binding DevicePlugin or Static";
        }
        catch (KubernetesException e) when (e.Code == 403)
        {
            return $"DraForbidden: the operator may not list {resource.Plural} of {resource.Group}: grant it get, list and watch on them "
                + $"(docs/how-to/dra.md): {e.Message}";
        }
    }

    void Watch()
    {
        lock (_lock)
        {
            if (_slices is not null)
                return;
            _claims = stores.Get<ResourceClaim>();
            var slices = stores.Get<ResourceSlice>();
            slices.Subscribe(_ => Changed?.Invoke());
            _claims.Subscribe(change =>
            {
                // What is deleted may come with its last state.
                if (Devices(change.Old) != (change.Kind is StoreChangeKind.Deleted ? "" : Devices(change.New)))
                    Changed?.Invoke();
            });
            _slices = slices;
        }
    }

    static string Devices(ResourceClaim? claim) => claim is null || PodClaim.IsOurs(claim) ? ""
        : string.Join('|', (claim.Status?.Allocation?.Devices?.Results ?? []).Select(r => $"{r.Driver}/{r.Pool}/{r.Device}"));
}
