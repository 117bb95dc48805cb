using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Tests.Support;

/// <summary>A collection store without HTTP, for tests of what stands on the client. Merge patches only.</summary>
public sealed class MemoryClient : IKubernetesClient
{
    readonly Lock _lock = new();
    readonly Dictionary<(string Plural, ObjectKey Key), JsonObject> _objects = [];
    readonly List<(long Version, string Plural, WatchEventType Type, JsonObject Object)> _history = [];
    TaskCompletionSource _changed = New();
    long _version;

    public List<string> Calls { get; } = [];

    /// <summary>Thrown by the next write.</summary>
    public Exception? NextFailure { get; set; }

    public string DefaultNamespace => "default";

    public JsonSerializerOptions Json => KubernetesJson.Default;

    public Task<T?> FindAsync<T>(ResourceRef resource, string name, string? ns, CancellationToken ct)
        where T : class
    {
        lock (_lock)
            return Task.FromResult(_objects.TryGetValue((resource.Plural, KeyOf(resource, ns, name)), out var found) ? Typed<T>(found) : null);
    }

    public Task<KubernetesList<T>> ListAsync<T>(ResourceRef resource, string? ns, ListOptions? options, CancellationToken ct)
        where T : class
    {
        lock (_lock)
        {
            Calls.Add($"list {resource.Plural}");
            var items = _objects.Where(o => o.Key.Plural == resource.Plural && (ns is null || o.Key.Key.Namespace == ns)).Select(o => Typed<T>(o.Value)!);
            return Task.FromResult(new KubernetesList<T>([.. items], new() { ResourceVersion = $"{_version}" }));
        }
    }

    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        ResourceRef resource, string? ns, WatchOptions options, [EnumeratorCancellation] CancellationToken ct)
        where T : class
    {
        lock (_lock)
            Calls.Add($"watch {resource.Plural}");
        var from = long.Parse(options.ResourceVersion ?? "0");
        while (true)
        {
            (long Version, string Plural, WatchEventType Type, JsonObject Object)[] due;
            Task changed;
            lock (_lock)
            {
                due = [.. _history.Where(e => e.Version > from && e.Plural == resource.Plural)];
                changed = _changed.Task;
            }

            foreach (var e in due)
            {
                from = e.Version;
                yield return new(e.Type, Typed<T>(e.Object), $"{e.Version}");
            }

            if (due.Length == 0)
                await changed.WaitAsync(ct);
        }
    }

    public Task<T> CreateAsync<T>(ResourceRef resource, T value, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        lock (_lock)
        {
            Fail();
            var node = (JsonObject)KubernetesJson.ToNode(value).DeepClone();
            var metadata = node["metadata"] as JsonObject ?? throw new ArgumentException("no metadata");
            var key = KeyOf(resource, (string?)metadata["namespace"], (string)metadata["name"]!);
            if (_objects.ContainsKey((resource.Plural, key)))
                throw Error(409, KubernetesReasons.AlreadyExists);
            metadata["uid"] ??= $"uid-{_version + 1}";
            Store(resource, key, node, WatchEventType.Added);
            return Task.FromResult(Typed<T>(node)!);
        }
    }

    public Task<T> ReplaceAsync<T>(ResourceRef resource, T value, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        lock (_lock)
        {
            Fail();
            var node = (JsonObject)KubernetesJson.ToNode(value).DeepClone();
            var key = KeyOf(resource, (string?)node["metadata"]!["namespace"], (string)node["metadata"]!["name"]!);
            Store(resource, key, node, WatchEventType.Modified);
            return Task.FromResult(Typed<T>(node)!);
        }
    }

    public Task<T> PatchAsync<T>(
        ResourceRef resource, string name, string? ns, Patch patch, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        lock (_lock)
        {
            Fail();
            Calls.Add($"patch {resource.Plural} {patch.ToNode().ToJsonString()}");
            var key = KeyOf(resource, ns, name);
            if (!_objects.TryGetValue((resource.Plural, key), out var old))
                throw Error(404, KubernetesReasons.NotFound);
            var body = (JsonObject)patch.ToNode();
            var wanted = (string?)(body["metadata"] as JsonObject)?["resourceVersion"];
            if (wanted is not null && wanted != (string?)old["metadata"]!["resourceVersion"])
                throw Error(409, KubernetesReasons.Conflict);
            var node = Merge((JsonObject)old.DeepClone(), body);
            Store(resource, key, node, WatchEventType.Modified);
            return Task.FromResult(Typed<T>(node)!);
        }
    }

    public Task<bool> DeleteAsync(ResourceRef resource, string name, string? ns, DeleteOptions? options, CancellationToken ct)
    {
        lock (_lock)
        {
            var key = KeyOf(resource, ns, name);
            if (!_objects.Remove((resource.Plural, key), out var old))
                return Task.FromResult(false);
            Remember(resource, old, WatchEventType.Deleted);
            return Task.FromResult(true);
        }
    }

    public Task DeleteCollectionAsync(
        ResourceRef resource, string? ns, ListOptions? selection, DeleteOptions? options, CancellationToken ct) =>
        throw new NotSupportedException();

    public Task<T> GetSubresourceAsync<T>(ResourceRef resource, string name, string? ns, string subresource, CancellationToken ct)
        where T : class => throw new NotSupportedException();

    public Task<T> CreateSubresourceAsync<T>(ResourceRef resource, string name, string? ns, string subresource, T body, CancellationToken ct)
        where T : class => throw new NotSupportedException();

    public Task<Stream> LogsAsync(string pod, string? ns, LogOptions? options, CancellationToken ct) => throw new NotSupportedException();

    public Task<ResourceRef> ResolveAsync(string apiVersion, string kind, CancellationToken ct) => throw new NotSupportedException();

    public Task<JsonObject> GetRawAsync(string path, CancellationToken ct) => throw new NotSupportedException();

    public int CountOf(string call)
    {
        lock (_lock)
            return Calls.Count(c => c.StartsWith(call, StringComparison.Ordinal));
    }

    void Store(ResourceRef resource, ObjectKey key, JsonObject node, WatchEventType type)
    {
        _objects[(resource.Plural, key)] = node;
        Remember(resource, node, type);
    }

    void Remember(ResourceRef resource, JsonObject node, WatchEventType type)
    {
        node["metadata"]!["resourceVersion"] = $"{++_version}";
        _history.Add((_version, resource.Plural, type, (JsonObject)node.DeepClone()));
        _changed.TrySetResult();
        _changed = New();
    }

    void Fail()
    {
        if (NextFailure is not { } failure)
            return;
        NextFailure = null;
        throw failure;
    }

    ObjectKey KeyOf(ResourceRef resource, string? ns, string name) => new(resource.Namespaced ? ns ?? DefaultNamespace : null, name);

    static JsonObject Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
                target.Remove(name);
            else if (value is JsonObject inner)
                target[name] = Merge(target[name] as JsonObject is { } old ? (JsonObject)old.DeepClone() : [], inner);
            else
                target[name] = value.DeepClone();
        }

        return target;
    }

    static T? Typed<T>(JsonObject node)
        where T : class => node.Deserialize<T>(KubernetesJson.Default);

    static KubernetesException Error(int code, string reason) => new(reason, new Status { Code = code, Reason = reason });

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
