using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.OpenApi;

/// <summary>
/// The paths of a type. Clients look here for what a verb can do (dryRun, fieldValidation, the types of patches), so the
/// operations name their parameters; bodies and answers are only sketched.
/// </summary>
static class ApiPaths
{
    static readonly string[] Write = ["dryRun", "fieldManager", "fieldValidation"];
    static readonly string[] List =
        ["allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch", "sendInitialEvents",
         "timeoutSeconds", "watch"];
    static readonly string[] Delete = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];

    /// <param name="type">The served type.</param>
    /// <param name="operation">Makes an operation from verb, action, type and the names of query parameters.</param>
    public static IEnumerable<(string Path, JsonObject Item)> Of(ResourceType type, Func<string, string, ResourceType, string[], JsonObject> operation)
    {
        var root = type.Group.Length == 0 ? $"/api/{type.Version}" : $"/apis/{type.Group}/{type.Version}";
        var collection = type.Namespaced ? $"{root}/namespaces/{{namespace}}/{type.Plural}" : $"{root}/{type.Plural}";
        JsonObject Item(params (string Verb, string Action, string[] Parameters)[] verbs)
        {
            var item = new JsonObject();
            foreach (var (verb, action, parameters) in verbs)
                item[verb] = operation(verb, action, type, parameters);
            return item;
        }

        if (!type.Can("get"))
        {
            yield return (collection, Item(("post", "post", Write)));
            yield break;
        }

        yield return (collection, Item(("get", "list", List), ("post", "post", Write), ("delete", "deletecollection", [.. Delete, .. List])));
        yield return ($"{collection}/{{name}}", Item(
            ("get", "get", ["resourceVersion"]), ("put", "put", Write), ("delete", "delete", Delete), ("patch", "patch", [.. Write, "force"])));
        if (type.HasStatus)
        {
            yield return ($"{collection}/{{name}}/status", Item(
                ("get", "get", ["resourceVersion"]), ("put", "put", Write), ("patch", "patch", [.. Write, "force"])));
        }

        if (type.Namespaced)
            yield return ($"{root}/{type.Plural}", Item(("get", "list", List)));
    }

    public static string OperationId(string action, ResourceType type) =>
        $"{action}{type.Group.Replace(".", "", StringComparison.Ordinal)}{type.Version}{type.Kind}";

    public static IReadOnlyList<string> PatchTypes(ResourceType type) => type.IsCustom
        ? ["application/json-patch+json", "application/merge-patch+json"]
        : ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];
}
