using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Nothing is created in a namespace that is not there or that is going away.</summary>
static class NamespaceRules
{
    public const string Store = "namespaces";

    public static void CheckCreate(StoreState state, ResourceType type, ObjectKey key)
    {
        if (!type.Namespaced)
            return;
        var ns = state.Find(Store, new ObjectKey("", key.Namespace))
            ?? throw new ApiException(404, "NotFound", $"namespaces \"{key.Namespace}\" not found",
                new System.Text.Json.Nodes.JsonObject { ["name"] = key.Namespace, ["kind"] = "namespaces" });
        if (ns.Header.DeletionTimestamp is null)
            return;
        var refusal = ApiErrors.Forbidden(type, key.Name,
            $"unable to create new content in namespace {key.Namespace} because it is being terminated");
        refusal.Details!["causes"] = new System.Text.Json.Nodes.JsonArray(new System.Text.Json.Nodes.JsonObject
        {
            ["reason"] = "NamespaceTerminating",
            ["message"] = $"namespace {key.Namespace} is being terminated",
            ["field"] = "metadata.namespace",
        });
        throw refusal;
    }
}
