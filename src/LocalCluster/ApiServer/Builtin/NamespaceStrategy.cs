using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>Namespaces stay, Terminating, until they are empty: spec.finalizers holds them.</summary>
sealed class NamespaceStrategy : ResourceStrategy
{
    static readonly string[] Permanent = ["default", "kube-system", "kube-public"];

    public const string Finalizer = "kubernetes";

    public override NameRule Names => NameRule.Label;

    public override void PrepareForCreate(JsonObject item)
    {
        item["spec"] = new JsonObject { ["finalizers"] = new JsonArray(Finalizer) };
        item["status"] = new JsonObject { ["phase"] = "Active" };
        // Selectors of namespaces can name one.
        var metadata = item.Ensure("metadata");
        metadata.Ensure("labels")["kubernetes.io/metadata.name"] = metadata.Str("name");
    }

    public override void PrepareForUpdate(JsonObject item, JsonObject old)
    {
        item["spec"] = old["spec"]?.DeepClone();
        var metadata = item.Ensure("metadata");
        metadata.Ensure("labels")["kubernetes.io/metadata.name"] = metadata.Str("name");
    }

    public override bool HoldsDeletion(JsonObject item) => item.Obj("spec").Arr("finalizers") is { Count: > 0 };

    public override void PrepareForDeletion(JsonObject item) => item.Ensure("status")["phase"] = "Terminating";

    public override void CheckDelete(ResourceType type, JsonObject item)
    {
        var name = item.Obj("metadata").Str("name") ?? "";
        if (Permanent.Contains(name))
            throw ApiErrors.Forbidden(type, name, "this namespace may not be deleted");
    }
}
