// An API server in memory, as far as a node needs one: merge patches, versions, graceful deletion with finalizers, watches, tokens.
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.LocalCluster.Tests.Node;

sealed class FakeKubernetes : IKubernetesClient
{
    readonly Lock _gate = new();
    readonly Dictionary<(string Resource, string Namespace, string Name), JsonObject> _objects = [];
    readonly List<(string Resource, Channel<(WatchEventType, JsonObject)> Channel)> _watches = [];
    long _version = 100;

    public string DefaultNamespace => "default";

    public JsonSerializerOptions Json => KubernetesJson.Default;

    /// <summary>Every status that a pod had, in order.</summary>
    internal ConcurrentQueue<(string Pod, PodStatus Status)> Statuses { get; } = new();

    internal int Deletes;

    /// <summary>While set, every call fails as if nobody listened.</summary>
    internal volatile bool Down;

    /// <summary>Called before a pod's status is written, with its name and the patch: the place for a write that comes between.</summary>
    internal Action<string, JsonObject>? BeforeStatus { get; set; }

    internal TimeSpan TokenLifetime { get; set; } = TimeSpan.FromHours(1);

    internal int TokensIssued;

    public Task<T?> FindAsync<T>(ResourceRef resource, string name, string? ns, CancellationToken ct)
        where T : class
    {
        Check();
        lock (_gate)
            return Task.FromResult(_objects.TryGetValue(Key(resource, ns, name), out var value) ? As<T>(value) : null);
    }

    public Task<KubernetesList<T>> ListAsync<T>(ResourceRef resource, string? ns, ListOptions? options, CancellationToken ct)
        where T : class
    {
        Check();
        lock (_gate)
            return Task.FromResult(new KubernetesList<T>(
                [.. _objects.Where(o => o.Key.Resource == resource.Plural).Select(o => As<T>(o.Value))], new ListMeta { ResourceVersion = $"{_version}" }));
    }

    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        ResourceRef resource, string? ns, WatchOptions options, [EnumeratorCancellation] CancellationToken ct)
        where T : class
    {
        Check();
        var channel = Channel.CreateUnbounded<(WatchEventType, JsonObject)>();
        lock (_gate)
        {
            foreach (var (key, value) in _objects)
                if (key.Resource == resource.Plural && Version(value) > long.Parse(options.ResourceVersion ?? "0"))
                    channel.Writer.TryWrite((WatchEventType.Added, value));
            _watches.Add((resource.Plural, channel));
        }
        await foreach (var (type, value) in channel.Reader.ReadAllAsync(ct))
            yield return new WatchEvent<T>(type, As<T>(value), $"{Version(value)}");
    }

    public Task<T> CreateAsync<T>(ResourceRef resource, T value, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        Check();
        var node = (JsonObject)KubernetesJson.ToNode(value, Json).DeepClone();
        lock (_gate)
        {
            var metadata = node["metadata"]!.AsObject();
            var key = Key(resource, metadata["namespace"]?.GetValue<string>(), metadata["name"]!.GetValue<string>());
            if (_objects.ContainsKey(key))
                throw Error(409, "AlreadyExists", key.Name);
            metadata["uid"] ??= $"uid-{key.Name}-{_version}";
            if (resource.Namespaced)
                metadata["namespace"] ??= "default";
            return Task.FromResult(As<T>(Store(resource, key, node, WatchEventType.Added)));
        }
    }

    public Task<T> ReplaceAsync<T>(ResourceRef resource, T value, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class => throw new NotSupportedException();

    public Task<T> PatchAsync<T>(
        ResourceRef resource, string name, string? ns, Patch patch, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        Check();
        var body = (JsonObject)patch.ToNode(Json).DeepClone();
        if (subresource == "status" && resource.Plural == "pods")
            BeforeStatus?.Invoke(name, body);
        lock (_gate)
        {
            var key = Key(resource, ns, name);
            if (!_objects.TryGetValue(key, out var old))
                throw Error(404, "NotFound", name);
            if (body["metadata"]?["resourceVersion"] is { } version && version.GetValue<string>() != $"{Version(old)}")
                throw Error(409, "Conflict", name);
            var node = (JsonObject)Merge(old.DeepClone(), body)!;
            Store(resource, key, node, WatchEventType.Modified);
            if (subresource == "status" && resource.Plural == "pods")
                Statuses.Enqueue((name, As<Pod>(node).Status!));
            if (node["metadata"]!["deletionTimestamp"] is not null && node["metadata"]!["deletionGracePeriodSeconds"]!.GetValue<long>() == 0 &&
                node["metadata"]!["finalizers"] is not JsonArray { Count: > 0 })
                Remove(resource, key);
            return Task.FromResult(As<T>(node));
        }
    }

    public Task<bool> DeleteAsync(ResourceRef resource, string name, string? ns, DeleteOptions? options, CancellationToken ct)
    {
        Check();
        lock (_gate)
        {
            var key = Key(resource, ns, name);
            if (!_objects.TryGetValue(key, out var old))
                return Task.FromResult(false);
            if (options?.Preconditions?.Uid is { } uid && uid != old["metadata"]!["uid"]!.GetValue<string>())
                throw Error(409, "Conflict", name);
            Interlocked.Increment(ref Deletes);
            var grace = options?.GracePeriodSeconds ?? 30;
            if (grace == 0 && old["metadata"]!["finalizers"] is not JsonArray { Count: > 0 })
            {
                Remove(resource, key);
                return Task.FromResult(true);
            }
            var node = (JsonObject)old.DeepClone();
            node["metadata"]!["deletionTimestamp"] ??= "2030-01-01T00:00:00Z";
            node["metadata"]!["deletionGracePeriodSeconds"] = grace;
            Store(resource, key, node, WatchEventType.Modified);
            return Task.FromResult(true);
        }
    }

    public Task DeleteCollectionAsync(
        ResourceRef resource, string? ns, ListOptions? selection, DeleteOptions? options, CancellationToken ct) =>
        throw new NotSupportedException();

    public Task<T> GetSubresourceAsync<T>(ResourceRef resource, string name, string? ns, string subresource, CancellationToken ct)
        where T : class => throw new NotSupportedException();

    public Task<T> CreateSubresourceAsync<T>(ResourceRef resource, string name, string? ns, string subresource, T body, CancellationToken ct)
        where T : class
    {
        Check();
        var request = (TokenRequest)(object)body;
        var number = Interlocked.Increment(ref TokensIssued);
        return Task.FromResult((T)(object)(request with
        {
            Status = new TokenRequestStatus
            {
                Token = $"token-{number}-{name}-{string.Join('+', request.Spec!.Audiences ?? [])}-{request.Spec.BoundObjectRef?.Uid}",
                ExpirationTimestamp = TimeProvider.System.GetUtcNow() + TokenLifetime,
            },
        }));
    }

    public Task<Stream> LogsAsync(string pod, string? ns, LogOptions? options, CancellationToken ct) => throw new NotSupportedException();

    public Task<ResourceRef> ResolveAsync(string apiVersion, string kind, CancellationToken ct) => throw new NotSupportedException();

    public Task<JsonObject> GetRawAsync(string path, CancellationToken ct) => throw new NotSupportedException();

    void Check()
    {
        if (Down)
            throw Error(0, KubernetesReasons.Unreachable, "nobody listens");
    }

    JsonObject Store(ResourceRef resource, (string, string, string) key, JsonObject node, WatchEventType type)
    {
        node["metadata"]!["resourceVersion"] = $"{++_version}";
        _objects[key] = node;
        Tell(resource, type, node);
        return node;
    }

    void Remove(ResourceRef resource, (string Resource, string Namespace, string Name) key)
    {
        if (!_objects.Remove(key, out var node))
            return;
        node = (JsonObject)node.DeepClone();
        node["metadata"]!["resourceVersion"] = $"{++_version}";
        Tell(resource, WatchEventType.Deleted, node);
    }

    void Tell(ResourceRef resource, WatchEventType type, JsonObject node)
    {
        foreach (var (watched, channel) in _watches)
            if (watched == resource.Plural)
                channel.Writer.TryWrite((type, node));
    }

    T As<T>(JsonObject node)
        where T : class => node.Deserialize<T>(Json)!;

    static (string Resource, string Namespace, string Name) Key(ResourceRef resource, string? ns, string name) => (resource.Plural, resource.Namespaced ? ns ?? "default" : "", name);

    static long Version(JsonObject node) => long.Parse(node["metadata"]!["resourceVersion"]!.GetValue<string>());

    static JsonNode? Merge(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes)
            return patch?.DeepClone();
        var result = target as JsonObject ?? [];
        foreach (var (name, value) in changes)
            if (value is null)
            {
                result.Remove(name);
            }
            else
            {
                var merged = Merge(result[name]?.DeepClone(), value);
                result[name] = merged;
            }
        return result;
    }

    static KubernetesException Error(int code, string reason, string name) =>
        new($"{reason}: {name}", new Status { Outcome = "Failure", Code = code == 0 ? null : code, Reason = reason, Message = $"{reason}: {name}" });
}
