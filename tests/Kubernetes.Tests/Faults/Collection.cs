using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Framelease.Kubernetes.Tests.Faults;

/// <summary>ConfigMaps with versions and a history, as a server keeps them.</summary>
sealed class Collection
{
    readonly Lock _lock = new();
    readonly SortedDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);
    readonly List<(long Version, string Line)> _history = [];
    TaskCompletionSource _changed = New();
    long _compactedTo;

    public long Version { get; private set; } = 100;

    public ImmutableSortedDictionary<string, string> Values
    {
        get
        {
            lock (_lock)
                return _objects.ToImmutableSortedDictionary(o => o.Key, o => (string)o.Value["data"]!["key"]!, StringComparer.Ordinal);
        }
    }

    public void Put(string name, string value) => Change(_objects.ContainsKey(name) ? "MODIFIED" : "ADDED", name, value);

    public void Delete(string name) => Change("DELETED", name, "deleted");

    /// <summary>Who asks for changes since before now gets 410.</summary>
    public void Compact() => _compactedTo = Version;

    public bool IsTooOld(long version) => version < _compactedTo;

    public string Page(int from, int limit)
    {
        lock (_lock)
        {
            var items = _objects.Values.Skip(from).Take(limit).Select(o => o.DeepClone()).ToArray();
            var next = from + items.Length < _objects.Count ? $"{from + items.Length}" : "";
            var metadata = new JsonObject { ["resourceVersion"] = $"{Version}", ["continue"] = next };
            return new JsonObject { ["kind"] = "ConfigMapList", ["metadata"] = metadata, ["items"] = new JsonArray(items) }.ToJsonString();
        }
    }

    public (string[] Lines, long Version) All()
    {
        lock (_lock)
            return ([.. _objects.Values.Select(o => Line("ADDED", o))], Version);
    }

    public (string[] Lines, long Version, Task Changed) After(long version)
    {
        lock (_lock)
            return ([.. _history.Where(h => h.Version > version).Select(h => h.Line)], Version, _changed.Task);
    }

    void Change(string type, string name, string value)
    {
        lock (_lock)
        {
            var changed = new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default", ["resourceVersion"] = $"{++Version}" },
                ["data"] = new JsonObject { ["key"] = value },
            };
            if (type == "DELETED")
                _objects.Remove(name);
            else
                _objects[name] = changed;
            _history.Add((Version, Line(type, changed)));
            _changed.TrySetResult();
            _changed = New();
        }
    }

    static string Line(string type, JsonObject value) =>
        new JsonObject { ["type"] = type, ["object"] = value.DeepClone() }.ToJsonString() + "\n";

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
