using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>One version of an object, as the server keeps it. Nobody changes it; typed readers of all replicas share what was read once.</summary>
sealed class KeptObject(ResourceRef resource, JsonObject node)
{
    readonly Dictionary<Type, object> _typed = [];

    public ResourceRef Resource => resource;

    public JsonObject Metadata => (JsonObject)node["metadata"]!;

    public string Name => Text("name")!;

    public string? Namespace => Text("namespace");

    public string Uid => Text("uid")!;

    public string ResourceVersion => Text("resourceVersion")!;

    public bool IsBeingDeleted => Metadata.ContainsKey("deletionTimestamp");

    public long DeletionGrace => Metadata["deletionGracePeriodSeconds"]?.GetValue<long>() ?? 0;

    public IReadOnlyList<string> Finalizers => [.. (Metadata["finalizers"] as JsonArray ?? []).Select(f => f!.GetValue<string>())];

    public IEnumerable<string> Owners => (Metadata["ownerReferences"] as JsonArray ?? []).Select(o => o!["uid"]!.GetValue<string>());

    public JsonNode? this[string field] => node[field];

    public string? Label(string key) => (Metadata["labels"] as JsonObject)?[key]?.GetValue<string>();

    public bool IsSame(JsonObject other) => JsonNode.DeepEquals(node, other);

    /// <summary>A copy to change.</summary>
    public JsonObject Copy() => (JsonObject)node.DeepClone();

    public T As<T>()
        where T : class
    {
        if (typeof(T) == typeof(JsonObject))
            return (T)(object)Copy();
        if (!_typed.TryGetValue(typeof(T), out var value))
            _typed[typeof(T)] = value = node.Deserialize<T>(KubernetesJson.Default)!;
        return (T)value;
    }

    string? Text(string field) => Metadata[field]?.GetValue<string>();
}

/// <summary>One change, as a watch tells it.</summary>
/// <param name="Object">Null for a bookmark.</param>
sealed record ApiChange(WatchEventType Type, KeptObject? Object, long Version);
