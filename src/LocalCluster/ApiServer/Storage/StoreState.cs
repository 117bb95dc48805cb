using System.Collections.Immutable;
using Names = System.Collections.Immutable.ImmutableSortedDictionary<string, Framelease.LocalCluster.ApiServer.Storage.StoredObject>;
using Namespaces = System.Collections.Immutable.ImmutableSortedDictionary<string,
    System.Collections.Immutable.ImmutableSortedDictionary<string, Framelease.LocalCluster.ApiServer.Storage.StoredObject>>;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>
/// Every object at one revision, immutable: a reader holds a consistent snapshot for as long as it likes, a page of a list
/// continues on the snapshot that its first page saw, and compaction writes one while new writes go on.
/// </summary>
sealed record StoreState(long Revision, ImmutableDictionary<string, Namespaces> Resources)
{
    static readonly Names NoNames = Names.Empty.WithComparers(StringComparer.Ordinal);
    static readonly Namespaces NoNamespaces = Namespaces.Empty.WithComparers(StringComparer.Ordinal);

    public static readonly StoreState Empty = new(0, ImmutableDictionary<string, Namespaces>.Empty);

    public StoredObject? Find(string resource, ObjectKey key) =>
        Resources.TryGetValue(resource, out var namespaces) && namespaces.TryGetValue(key.Namespace, out var names)
        && names.TryGetValue(key.Name, out var found) ? found : null;

    /// <summary>Objects ordered by namespace, then name; all namespaces when <paramref name="ns"/> is null.</summary>
    public IEnumerable<StoredObject> List(string resource, string? ns)
    {
        if (!Resources.TryGetValue(resource, out var namespaces))
            return [];
        if (ns is null)
            return namespaces.Values.SelectMany(names => names.Values);
        return namespaces.TryGetValue(ns, out var one) ? one.Values : [];
    }

    public IEnumerable<StoredObject> All() => Resources.Values.SelectMany(namespaces => namespaces.Values).SelectMany(names => names.Values);

    public int Count(string resource) =>
        Resources.TryGetValue(resource, out var namespaces) ? namespaces.Values.Sum(names => names.Count) : 0;

    public StoreState Put(StoredObject item)
    {
        var namespaces = Resources.GetValueOrDefault(item.Resource, NoNamespaces);
        var names = namespaces.GetValueOrDefault(item.Key.Namespace, NoNames);
        namespaces = namespaces.SetItem(item.Key.Namespace, names.SetItem(item.Key.Name, item));
        return new StoreState(item.Revision, Resources.SetItem(item.Resource, namespaces));
    }

    public StoreState Remove(string resource, ObjectKey key, long revision)
    {
        if (!Resources.TryGetValue(resource, out var namespaces) || !namespaces.TryGetValue(key.Namespace, out var names))
            return this with { Revision = revision };
        names = names.Remove(key.Name);
        namespaces = names.IsEmpty ? namespaces.Remove(key.Namespace) : namespaces.SetItem(key.Namespace, names);
        return new StoreState(revision, namespaces.IsEmpty ? Resources.Remove(resource) : Resources.SetItem(resource, namespaces));
    }
}
