// The three patch types, with an optional precondition, and the difference of two objects as a merge patch.
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Client;

/// <summary>What to change. Immutable; may be sent any number of times.</summary>
public sealed class Patch
{
    readonly object _body;
    readonly string? _resourceVersion;

    Patch(PatchType type, object body, string? resourceVersion = null) => (Type, _body, _resourceVersion) = (type, body, resourceVersion);

    public PatchType Type { get; }

    internal string MediaType => Type switch
    {
        PatchType.Merge => "application/merge-patch+json",
        PatchType.Json => "application/json-patch+json",
        PatchType.Strategic => "application/strategic-merge-patch+json",
        _ => "application/apply-patch+yaml",
    };

    /// <summary>RFC 7386: fields given replace, lists whole. A field is removed by a null in a <see cref="JsonObject"/>; nulls of C# objects are left out.</summary>
    public static Patch Merge(object body) => new(PatchType.Merge, body);

    /// <summary>RFC 6902: operations in order, all or nothing.</summary>
    public static Patch Json(params IReadOnlyList<JsonPatchOperation> operations)
    {
        var array = new JsonArray();
        foreach (var operation in operations)
            array.Add(operation.ToNode());
        return new(PatchType.Json, array);
    }

    /// <summary>Kubernetes' own merge that knows the keys of lists; built-in kinds only, not custom resources.</summary>
    public static Patch Strategic(object body) => new(PatchType.Strategic, body);

    /// <summary>Server-side apply: the whole wish of one field manager; needs <see cref="WriteOptions.FieldManager"/>.</summary>
    public static Patch Apply(object body) => new(PatchType.Apply, body);

    /// <summary>The merge patch that makes <paramref name="after"/> out of <paramref name="before"/>; null when they are the same.</summary>
    public static Patch? Between(object? before, object? after, JsonSerializerOptions? json = null)
    {
        var old = before is null ? [] : KubernetesJson.ToNode(before, json);
        var wish = after is null ? [] : KubernetesJson.ToNode(after, json);
        return Difference(old, wish) is { Count: > 0 } difference ? Merge(difference) : null;
    }

    /// <summary>The same patch, refused with 409 when the object is no longer at this version.</summary>
    public Patch IfVersion(string? resourceVersion) => new(Type, _body, resourceVersion);

    /// <summary>What is sent.</summary>
    public JsonNode ToNode(JsonSerializerOptions? json = null)
    {
        if (_body is JsonArray operations)
        {
            // A replaced resourceVersion is the server's own precondition: 409, where a failed "test" would be 422.
            if (_resourceVersion is null)
                return operations;
            var guarded = (JsonArray)operations.DeepClone();
            guarded.Add(JsonPatchOperation.Replace("/metadata/resourceVersion", _resourceVersion).ToNode());
            return guarded;
        }

        var body = KubernetesJson.ToNode(_body, json);
        if (_resourceVersion is null)
            return body;
        body = (JsonObject)body.DeepClone();
        if (body["metadata"] is not JsonObject metadata)
            body["metadata"] = metadata = [];
        metadata["resourceVersion"] = _resourceVersion;
        return body;
    }

    static JsonObject Difference(JsonObject before, JsonObject after)
    {
        var difference = new JsonObject();
        foreach (var (name, _) in before)
        {
            if (!after.ContainsKey(name))
                difference[name] = null;
        }

        foreach (var (name, wish) in after)
        {
            var had = before.TryGetPropertyValue(name, out var old);
            if (had && JsonNode.DeepEquals(old, wish))
                continue;
            if (old is JsonObject oldObject && wish is JsonObject wishObject)
                difference[name] = Difference(oldObject, wishObject);
            else
                difference[name] = wish?.DeepClone();
        }

        return difference;
    }
}

public enum PatchType
{
    Merge,
    Json,
    Strategic,
    Apply,
}

/// <summary>One step of RFC 6902. Paths are JSON pointers: <c>~</c> is <c>~0</c>, <c>/</c> inside a name is <c>~1</c>.</summary>
public sealed record JsonPatchOperation(string Op, string Path, JsonNode? Value = null, string? From = null)
{
    public static JsonPatchOperation Add(string path, JsonNode? value) => new("add", path, value);

    public static JsonPatchOperation Replace(string path, JsonNode? value) => new("replace", path, value);

    public static JsonPatchOperation Remove(string path) => new("remove", path);

    public static JsonPatchOperation Test(string path, JsonNode? value) => new("test", path, value);

    /// <summary>A name as one segment of a path.</summary>
    public static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    internal JsonObject ToNode()
    {
        var node = new JsonObject { ["op"] = Op, ["path"] = Path };
        if (From is not null)
            node["from"] = From;
        if (Op is "add" or "replace" or "test")
            node["value"] = Value?.DeepClone();
        return node;
    }
}
