// What the API server holds, as last seen: one writer (a reflector), any number of readers.
using System.Collections.Concurrent;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Kubernetes.Watching;

/// <summary>
/// A read-only view of one collection. It may be behind the server, never torn: a relist becomes visible at once and whole. Objects are shared;
/// records with init accessors keep them from being changed.
/// </summary>
public sealed class Store<T>
    where T : class, IKubernetesObject
{
    /// <summary>Deletions that are remembered so that a repeated older event does not bring an object back.</summary>
    const int MaxTombstones = 1024;

    readonly Lock _writing = new();
    readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly List<Action<StoreChange<T>>> _handlers = [];
    readonly List<IStoreIndex<T>> _indexes = [];
    readonly Dictionary<ObjectKey, string> _tombstones = [];
    readonly Queue<ObjectKey> _tombstoneOrder = [];
    readonly string _name;
    readonly ILogger _log;
    readonly KeyComparer _keys;
    volatile ConcurrentDictionary<ObjectKey, T> _objects;
    ConcurrentDictionary<ObjectKey, T>? _pages;

    internal Store(string name, ILogger? log = null, KeyComparer? keys = null)
    {
        (_name, _log, _keys) = (name, log ?? NullLogger.Instance, keys ?? KeyComparer.Unseeded);
        _objects = New();
    }

    /// <summary>Completes when the first list is in.</summary>
    public Task Ready => _ready.Task;

    public int Count => _objects.Count;

    public bool TryGet(ObjectKey key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? value) => _objects.TryGetValue(key, out value);

    /// <summary>Null when there is none.</summary>
    public T? Find(ObjectKey key) => _objects.TryGetValue(key, out var value) ? value : null;

    /// <summary>A snapshot, in no order.</summary>
    public IReadOnlyList<T> List() => [.. _objects.Values];

    /// <summary>A snapshot of the keys, in no order.</summary>
    public IReadOnlyList<ObjectKey> Keys() => [.. _objects.Keys];

    /// <summary>
    /// Calls <paramref name="handler"/> for every object there is (as Added) and then for every change, one at a time and in order, after the store
    /// shows it. Handlers are on the writer's path: they put a key into a queue and return.
    /// </summary>
    /// <returns>Dispose it to stop.</returns>
    public IDisposable Subscribe(Action<StoreChange<T>> handler)
    {
        lock (_writing)
        {
            _handlers.Add(handler);
            foreach (var value in _objects.Values)
                Call(handler, new(StoreChangeKind.Added, null, value));
        }

        return new Subscription(() =>
        {
            lock (_writing)
                _handlers.Remove(handler);
        });
    }

    /// <summary>An index by any keys of an object, kept up to date. Add it once, at start.</summary>
    public StoreIndex<TKey, T> AddIndex<TKey>(Func<T, IEnumerable<TKey>> keys)
        where TKey : notnull
    {
        var index = new StoreIndex<TKey, T>(keys);
        lock (_writing)
        {
            foreach (var value in _objects.Values)
                index.Change(null, value);
            _indexes.Add(index);
        }

        return index;
    }

    internal void Write(StoreInput<T> input)
    {
        lock (_writing)
        {
            switch (input)
            {
                case StoreInput<T>.Apply { Object: var value }:
                    Apply(value);
                    break;
                case StoreInput<T>.Delete { Object: var value }:
                    Delete(value);
                    break;
                case StoreInput<T>.Page page:
                    AddPage(page);
                    break;
                case StoreInput<T>.Unlist { Object: var value }:
                    _pages?.TryRemove(value.Key(), out _);
                    break;
            }
        }
    }

    void Apply(T value)
    {
        var key = value.Key();
        var version = value.Metadata.ResourceVersion;
        if (_tombstones.TryGetValue(key, out var deletedAt) && ResourceVersions.IsOlder(version, than: deletedAt))
            return;
        if (_objects.TryGetValue(key, out var old))
        {
            if (old.Metadata.ResourceVersion == version || ResourceVersions.IsOlder(version, than: old.Metadata.ResourceVersion))
                return; // a repeat after a resume
        }

        _objects[key] = value;
        Publish(new(old is null ? StoreChangeKind.Added : StoreChangeKind.Updated, old, value));
    }

    void Delete(T value)
    {
        var key = value.Key();
        var version = value.Metadata.ResourceVersion;
        if (_objects.TryGetValue(key, out var old) && ResourceVersions.IsOlder(version, than: old.Metadata.ResourceVersion))
            return; // the deletion of an earlier object of the same name
        Remember(key, version ?? "");
        if (old is null)
            return;
        _objects.TryRemove(key, out _);
        Publish(new(StoreChangeKind.Deleted, old, value));
    }

    void Remember(ObjectKey key, string version)
    {
        if (!_tombstones.TryAdd(key, version))
        {
            _tombstones[key] = version;
            return;
        }

        _tombstoneOrder.Enqueue(key);
        if (_tombstoneOrder.Count > MaxTombstones)
            _tombstones.Remove(_tombstoneOrder.Dequeue());
    }

    void AddPage(StoreInput<T>.Page page)
    {
        if (page.First || _pages is null)
            _pages = New();
        foreach (var value in page.Items)
            _pages[value.Key()] = value;
        if (!page.Last)
            return;

        var (before, after) = (_objects, _pages);
        _pages = null;
        _objects = after;
        _tombstones.Clear();
        _tombstoneOrder.Clear();
        foreach (var (key, old) in before)
        {
            if (!after.ContainsKey(key))
                Publish(new(StoreChangeKind.Deleted, old, null));
        }

        foreach (var (key, value) in after)
        {
            if (!before.TryGetValue(key, out var old))
                Publish(new(StoreChangeKind.Added, null, value));
            else if (old.Metadata.ResourceVersion != value.Metadata.ResourceVersion)
                Publish(new(StoreChangeKind.Updated, old, value));
        }

        _ready.TrySetResult();
    }

    void Publish(StoreChange<T> change)
    {
        foreach (var index in _indexes)
            index.Change(change.Old, change.Kind == StoreChangeKind.Deleted ? null : change.New);
        foreach (var handler in _handlers)
            Call(handler, change);
    }

    void Call(Action<StoreChange<T>> handler, StoreChange<T> change)
    {
        try
        {
            handler(change);
        }
        catch (Exception error)
        {
            Log.HandlerFailed(_log, _name, error);
        }
    }

    /// <summary>One writer: one lock stripe is enough, and small.</summary>
    ConcurrentDictionary<ObjectKey, T> New() => new(concurrencyLevel: 1, capacity: 31, _keys);

    sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}

public enum StoreChangeKind
{
    Added,
    Updated,
    Deleted,
}

/// <summary>One change of a store.</summary>
/// <param name="Old">As it was in the store; null for Added.</param>
/// <param name="New">As it is; for Deleted the last state if the server sent it, else null.</param>
public readonly record struct StoreChange<T>(StoreChangeKind Kind, T? Old, T? New)
    where T : class, IKubernetesObject
{
    /// <summary>The newest state known.</summary>
    public T Object => New ?? Old!;

    public ObjectKey Key => Object.Key();

    /// <summary>True unless this is an update that left the spec (metadata.generation) alone.</summary>
    public bool SpecChanged => Kind != StoreChangeKind.Updated || Old!.Metadata.Generation != New!.Metadata.Generation;
}
