using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;
using Framelease.LocalCluster.ApiServer.Patching;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>How a request reaches the API server, and how a watch comes back.</summary>
interface IApiWay
{
    Task<T> AskAsync<T>(string what, Func<T> work, CancellationToken cancel);

    /// <param name="open">Opens the watch at the server; what it sends is to arrive at the stream, in order.</param>
    Task OpenAsync(WatchStream stream, int seconds, Func<Action<ApiChange>, IDisposable> open, CancellationToken cancel);
}

/// <summary>
/// The client's port over a <see cref="MemoryApiServer"/>. It stands at the port, not at HTTP messages, because HttpClient itself comes
/// back through the thread pool, which no world could replay. What lies below the port (retries, JSON of errors, lines of a watch) is
/// the conformance suite's.
/// </summary>
sealed class MemoryKubernetes(MemoryApiServer server, IApiWay way) : IKubernetesClient
{
    public string DefaultNamespace => "default";

    public JsonSerializerOptions Json => KubernetesJson.Default;

    public Task<T?> FindAsync<T>(ResourceRef resource, string name, string? ns, CancellationToken ct)
        where T : class =>
        way.AskAsync($"get {resource} {name}", () => server.Find(resource, ns, name)?.As<T>(), ct);

    public Task<KubernetesList<T>> ListAsync<T>(ResourceRef resource, string? ns, ListOptions? options, CancellationToken ct)
        where T : class => way.AskAsync(
        $"list {resource}",
        () => new KubernetesList<T>(
            [.. server.List(resource, ns, LabelMatch.Of(options?.LabelSelector)).Select(o => o.As<T>())],
            new ListMeta { ResourceVersion = server.Version.ToString(CultureInfo.InvariantCulture) }),
        ct);

    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        ResourceRef resource, string? ns, WatchOptions options, [EnumeratorCancellation] CancellationToken ct)
        where T : class
    {
        using var stream = new WatchStream();
        long? from = options.ResourceVersion is { } version ? long.Parse(version, CultureInfo.InvariantCulture) : null;
        var labels = LabelMatch.Of(options.LabelSelector);
        await way.OpenAsync(stream, options.TimeoutSeconds, send => server.Watch(resource, ns, labels, from, send), ct);
        while (await stream.NextAsync(ct) is { } change)
        {
            yield return new WatchEvent<T>(
                change.Type, change.Object?.As<T>(),
                change.Object?.ResourceVersion ?? change.Version.ToString(CultureInfo.InvariantCulture));
        }
    }

    public Task<T> CreateAsync<T>(ResourceRef resource, T value, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        if (value is TokenReview review)
            return way.AskAsync("review token", () => (T)(object)PodTokens.Review(server, review), ct);
        var node = KubernetesJson.ToNode(value);
        return way.AskAsync($"create {resource} {NameOf(node)}", () => server.Create(resource, node).As<T>(), ct);
    }

    public Task<T> ReplaceAsync<T>(ResourceRef resource, T value, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        var node = (JsonObject)KubernetesJson.ToNode(value).DeepClone();
        var ns = node["metadata"]?["namespace"]?.GetValue<string>();
        return way.AskAsync(
            $"replace {resource} {NameOf(node)}", () => server.Update(resource, ns, NameOf(node), subresource, _ => node).As<T>(), ct);
    }

    public Task<T> PatchAsync<T>(
        ResourceRef resource, string name, string? ns, Patch patch, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        if (patch.Type is not PatchType.Merge)
            throw new NotSupportedException($"{patch.Type} patches are not simulated");
        var body = (JsonObject)patch.ToNode();
        return way.AskAsync(
            $"patch {resource} {name}{(subresource is null ? "" : $"/{subresource}")}",
            () => server.Update(resource, ns, name, subresource, old => MergePatch.Apply(old, body)).As<T>(), ct);
    }

    public Task<bool> DeleteAsync(ResourceRef resource, string name, string? ns, DeleteOptions? options, CancellationToken ct) =>
        way.AskAsync($"delete {resource} {name}", () => server.Delete(resource, ns, name, options), ct);

    public Task DeleteCollectionAsync(
        ResourceRef resource, string? ns, ListOptions? selection, DeleteOptions? options, CancellationToken ct) => throw NotSimulated();

    public Task<T> GetSubresourceAsync<T>(ResourceRef resource, string name, string? ns, string subresource, CancellationToken ct)
        where T : class => throw NotSimulated();

    public Task<T> CreateSubresourceAsync<T>(
        ResourceRef resource, string name, string? ns, string subresource, T body, CancellationToken ct)
        where T : class => throw NotSimulated();

    public Task<Stream> LogsAsync(string pod, string? ns, LogOptions? options, CancellationToken ct) => throw NotSimulated();

    public Task<ResourceRef> ResolveAsync(string apiVersion, string kind, CancellationToken ct) => throw NotSimulated();

    public Task<JsonObject> GetRawAsync(string path, CancellationToken ct) => throw NotSimulated();

    static string NameOf(JsonObject node) => node["metadata"]?["name"]?.GetValue<string>() ?? "";

    // Nothing that runs in a world asks for it; whoever begins to must bring it into the contract.
    static NotSupportedException NotSimulated() => new("this verb is not simulated");
}

/// <summary>Projected tokens of pods: good for as long as the pod object is there.</summary>
static class PodTokens
{
    const string Prefix = "token-of-pod-";

    public static string Of(string podUid) => Prefix + podUid;

    public static TokenReview Review(MemoryApiServer server, TokenReview review)
    {
        var uid = review.Spec?.Token is { } token && token.StartsWith(Prefix, StringComparison.Ordinal) ? token[Prefix.Length..] : null;
        var isThere = server.List(ResourceRef.Of<Pod>(), null, LabelMatch.Of(null)).Any(p => p.Uid == uid);
        return review with
        {
            Status = isThere
                ? new TokenReviewStatus
                {
                    Authenticated = true,
                    Audiences = review.Spec!.Audiences,
                    User = new UserInfo
                    {
                        Username = "system:serviceaccount:default:default",
                        Extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { [UserInfo.PodUidKey] = [uid!] },
                    },
                }
                : new TokenReviewStatus { Error = "the token's pod is gone" },
        };
    }
}
