using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Watching;

interface IStoreIndex<in T>
{
    void Change(T? old, T? now);
}

/// <summary>Objects of a store by something else than their name, for example the uid of their owner.</summary>
public sealed class StoreIndex<TKey, T> : IStoreIndex<T>
    where TKey : notnull
    where T : class, IKubernetesObject
{
    readonly Lock _lock = new();
    readonly Dictionary<TKey, Dictionary<ObjectKey, T>> _entries = [];
    readonly Func<T, IEnumerable<TKey>> _keys;

    internal StoreIndex(Func<T, IEnumerable<TKey>> keys) => _keys = keys;

    /// <summary>A snapshot of the objects with this key, in no order.</summary>
    public IReadOnlyList<T> Find(TKey key)
    {
        lock (_lock)
            return _entries.TryGetValue(key, out var found) ? [.. found.Values] : [];
    }

    void IStoreIndex<T>.Change(T? old, T? now) => Change(old, now);

    internal void Change(T? old, T? now)
    {
        lock (_lock)
        {
            if (old is not null)
            {
                foreach (var key in _keys(old))
                    Remove(key, old.Key());
            }

            if (now is not null)
            {
                foreach (var key in _keys(now))
                    Add(key, now);
            }
        }
    }

    void Add(TKey key, T value)
    {
        if (!_entries.TryGetValue(key, out var found))
            _entries[key] = found = [];
        found[value.Key()] = value;
    }

    void Remove(TKey key, ObjectKey name)
    {
        if (_entries.TryGetValue(key, out var found) && found.Remove(name) && found.Count == 0)
            _entries.Remove(key);
    }
}
