using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>
/// The simulated Kubernetes API server: objects, versions, preconditions, finalizers, graceful deletion, garbage collection and watches, as
/// far as this platform relies on them. Every method is one request and happens whole or not at all. It passes <see cref="ApiContract"/>,
/// as the embedded API server and an upstream one do.
/// </summary>
sealed class MemoryApiServer(Func<DateTimeOffset> clock)
{
    readonly SortedDictionary<string, SortedDictionary<string, KeptObject>> _kinds = new(StringComparer.Ordinal);
    readonly List<ApiChange> _history = [];
    readonly List<OpenWatch> _watches = [];
    long _version;
    long _oldest;
    long _uids;

    /// <summary>Called after every change, before any watch hears of it: where kubelets of a world listen.</summary>
    public Action<ApiChange>? Changed { get; set; }

    public long Version => _version;

    public KeptObject? Find(ResourceRef resource, string? ns, string name) => Kind(resource).GetValueOrDefault(PathOf(resource, ns, name));

    /// <summary>In the order of namespace and name, as etcd keeps them.</summary>
    public IReadOnlyList<KeptObject> List(ResourceRef resource, string? ns, LabelMatch labels) =>
        [.. Kind(resource).Values.Where(o => (ns is null || o.Namespace == ns) && labels.Matches(o))];

    public KeptObject Create(ResourceRef resource, JsonObject value)
    {
        var node = (JsonObject)value.DeepClone();
        var metadata = node["metadata"] as JsonObject ?? throw ApiErrors.Invalid(resource, "", "metadata.name: Required value");
        var name = metadata["name"]?.GetValue<string>() ?? throw ApiErrors.Invalid(resource, "", "metadata.name: Required value");
        var path = PathOf(resource, metadata["namespace"]?.GetValue<string>(), name);
        if (Kind(resource).ContainsKey(path))
            throw ApiErrors.AlreadyExists(resource, name);
        if (resource.Namespaced)
            metadata["namespace"] ??= "default";
        foreach (var field in ObjectRules.OfTheServer)
            metadata.Remove(field);
        metadata["uid"] = string.Create(CultureInfo.InvariantCulture, $"00000000-0000-4000-8000-{++_uids:x12}");
        metadata["creationTimestamp"] = Time(clock());
        ObjectRules.Begin(resource, node);
        return Keep(resource, path, node, WatchEventType.Added);
    }

    /// <param name="change">Gets a copy and returns the wish: a replaced or a patched object.</param>
    /// <param name="subresource">Null or status.</param>
    public KeptObject Update(ResourceRef resource, string? ns, string name, string? subresource, Func<JsonObject, JsonObject> change)
    {
        var path = PathOf(resource, ns, name);
        var old = Kind(resource).GetValueOrDefault(path) ?? throw ApiErrors.NotFound(resource, name);
        var wish = change(old.Copy());
        var node = ObjectRules.Next(old, wish, subresource);
        if (old.IsSame(node))
            return old;
        var kept = Keep(resource, path, node, WatchEventType.Modified, tell: false);
        if (!kept.IsBeingDeleted || kept.Finalizers.Count > 0 || kept.DeletionGrace > 0)
            return Tell(kept, WatchEventType.Modified);
        Kind(resource).Remove(path);
        return Tell(kept, WatchEventType.Deleted);
    }

    /// <returns>False when there is none.</returns>
    public bool Delete(ResourceRef resource, string? ns, string name, DeleteOptions? options)
    {
        var path = PathOf(resource, ns, name);
        if (Kind(resource).GetValueOrDefault(path) is not { } old)
            return false;
        var wanted = options?.Preconditions;
        if ((wanted?.Uid is { } uid && uid != old.Uid) || (wanted?.ResourceVersion is { } version && version != old.ResourceVersion))
            throw ApiErrors.Conflict(resource, name, "the precondition is not that of the object on the server");
        var grace = ObjectRules.Grace(old, options?.GracePeriodSeconds);
        if (old.IsBeingDeleted && (grace >= old.DeletionGrace || grace > 0))
            return true;
        var node = old.Copy();
        var metadata = (JsonObject)node["metadata"]!;
        if (!old.IsBeingDeleted)
            ObjectRules.Grow(resource, metadata);
        metadata["deletionTimestamp"] = Time(clock().AddSeconds(grace));
        metadata["deletionGracePeriodSeconds"] = grace;
        var isGone = grace == 0 && old.Finalizers.Count == 0;
        var kept = Keep(resource, path, node, WatchEventType.Modified, tell: false);
        if (isGone)
            Kind(resource).Remove(path);
        Tell(kept, isGone ? WatchEventType.Deleted : WatchEventType.Modified);
        return true;
    }

    /// <summary>A pass of the garbage collector: what no owner is left of is deleted.</summary>
    public void CollectGarbage()
    {
        var alive = _kinds.Values.SelectMany(k => k.Values).Select(o => o.Uid).ToHashSet(StringComparer.Ordinal);
        var orphans = _kinds.Values.SelectMany(k => k.Values)
            .Where(o => !o.IsBeingDeleted && o.Owners.Any() && !o.Owners.Any(alive.Contains)).ToList();
        foreach (var orphan in orphans)
            Delete(orphan.Resource, orphan.Namespace, orphan.Name, DeleteOptions.ForUid(orphan.Uid));
    }

    /// <param name="from">Null: begins with what there is.</param>
    /// <param name="send">Called for every change after that version, in order.</param>
    /// <returns>Dispose it to end the watch.</returns>
    /// <exception cref="KubernetesException">Gone: what happened since is no longer known.</exception>
    public IDisposable Watch(ResourceRef resource, string? ns, LabelMatch labels, long? from, Action<ApiChange> send)
    {
        if (from < _oldest)
            throw ApiErrors.Expired(from.Value, _oldest);
        var watch = new OpenWatch(this, o => o.Resource == resource && (ns is null || o.Namespace == ns) && labels.Matches(o), send);
        if (from is null)
        {
            foreach (var there in List(resource, ns, labels))
                send(new ApiChange(WatchEventType.Added, there, _version));
        }
        else
        {
            foreach (var change in _history.Where(c => c.Version > from && watch.Wants(c)))
                send(change);
        }

        _watches.Add(watch);
        return watch;
    }

    /// <summary>Every watch gets a newer version to go on from.</summary>
    public void SendBookmarks()
    {
        foreach (var watch in _watches.ToList())
            watch.Send(new ApiChange(WatchEventType.Bookmark, null, _version));
    }

    /// <summary>etcd forgets: whoever resumes from before now is told 410.</summary>
    public void Compact()
    {
        _history.Clear();
        _oldest = _version;
    }

    KeptObject Keep(ResourceRef resource, string path, JsonObject node, WatchEventType type, bool tell = true)
    {
        node["metadata"]!["resourceVersion"] = (++_version).ToString(CultureInfo.InvariantCulture);
        var kept = new KeptObject(resource, node);
        Kind(resource)[path] = kept;
        return tell ? Tell(kept, type) : kept;
    }

    KeptObject Tell(KeptObject kept, WatchEventType type)
    {
        var change = new ApiChange(type, kept, _version);
        _history.Add(change);
        Changed?.Invoke(change);
        foreach (var watch in _watches.ToList())
        {
            if (watch.Wants(change))
                watch.Send(change);
        }

        return kept;
    }

    SortedDictionary<string, KeptObject> Kind(ResourceRef resource)
    {
        if (!_kinds.TryGetValue(resource.ToString(), out var kind))
            _kinds[resource.ToString()] = kind = new(StringComparer.Ordinal);
        return kind;
    }

    static string PathOf(ResourceRef resource, string? ns, string name) => resource.Namespaced ? $"{ns ?? "default"}/{name}" : name;

    static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    sealed class OpenWatch(MemoryApiServer server, Func<KeptObject, bool> wants, Action<ApiChange> send) : IDisposable
    {
        public bool Wants(ApiChange change) => change.Object is { } o && wants(o);

        public void Send(ApiChange change) => send(change);

        public void Dispose() => server._watches.Remove(this);
    }
}
