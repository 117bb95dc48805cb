using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>What a server makes of a wish: which fields are whose, when the generation grows, what a deletion waits for.</summary>
static class ObjectRules
{
    /// <summary>Members of metadata that no client writes.</summary>
    public static readonly string[] OfTheServer =
    [
        "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    ];

    public static bool IsCustom(ResourceRef resource) =>
        resource.Group.Contains('.', StringComparison.Ordinal) && !resource.Group.EndsWith(".k8s.io", StringComparison.Ordinal);

    static bool IsPod(ResourceRef resource) => resource is { Group: "", Plural: "pods" };

    static bool HasStatus(ResourceRef resource) => IsCustom(resource) || IsPod(resource) || resource is { Group: "", Plural: "nodes" };

    public static void Begin(ResourceRef resource, JsonObject node)
    {
        if (IsCustom(resource))
        {
            node["metadata"]!["generation"] = 1L;
            node.Remove("status");
        }

        if (IsPod(resource))
            node["status"] = new JsonObject { ["phase"] = "Pending" };
    }

    /// <returns>What is kept; equal to the old one when the wish changes nothing.</returns>
    public static JsonObject Next(KeptObject old, JsonObject wish, string? subresource)
    {
        var resource = old.Resource;
        var metadata = wish["metadata"] as JsonObject ?? [];
        Precondition(old, metadata, "uid", old.Uid);
        Precondition(old, metadata, "resourceVersion", old.ResourceVersion);
        if (subresource is "status")
        {
            var kept = old.Copy();
            kept["status"] = wish["status"]?.DeepClone();
            if (kept["status"] is null)
                kept.Remove("status");
            return kept;
        }

        var next = (JsonObject)wish.DeepClone();
        var now = (JsonObject)next["metadata"]!;
        var before = old.Metadata;
        foreach (var field in OfTheServer)
        {
            now.Remove(field);
            if (before[field] is { } value)
                now[field] = value.DeepClone();
        }

        if (HasStatus(resource))
        {
            next.Remove("status");
            if (old["status"] is { } status)
                next["status"] = status.DeepClone();
        }

        if (now["finalizers"] is JsonArray { Count: 0 })
            now.Remove("finalizers");
        if (old.IsBeingDeleted && (now["finalizers"] as JsonArray ?? []).Any(f => !old.Finalizers.Contains(f!.GetValue<string>())))
            throw ApiErrors.Invalid(
                resource, old.Name, "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted");
        if (!JsonNode.DeepEquals(old["spec"], next["spec"]))
            Grow(resource, now);
        return next;
    }

    public static void Grow(ResourceRef resource, JsonObject metadata)
    {
        if (IsCustom(resource))
            metadata["generation"] = (metadata["generation"]?.GetValue<long>() ?? 0) + 1;
    }

    /// <returns>Seconds that a kubelet gets to end the pod; 0 for what goes at once.</returns>
    public static long Grace(KeptObject old, long? wanted)
    {
        var hasEnded = old["status"]?["phase"]?.GetValue<string>() is "Succeeded" or "Failed";
        if (!IsPod(old.Resource) || old["spec"]?["nodeName"] is null || hasEnded)
            return 0;
        return wanted ?? old["spec"]?["terminationGracePeriodSeconds"]?.GetValue<long>() ?? 30;
    }

    static void Precondition(KeptObject old, JsonObject metadata, string field, string current)
    {
        if (metadata[field]?.GetValue<string>() is { Length: > 0 } wanted && wanted != current)
            throw ApiErrors.Conflict(old.Resource, old.Name, "the object has been modified; please apply your changes to the latest version");
    }
}
