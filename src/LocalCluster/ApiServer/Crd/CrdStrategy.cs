using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Crd;

/// <summary>CustomResourceDefinitions are served from the moment that they are stored, so they are Established at once.</summary>
sealed class CrdStrategy(TimeProvider time) : ResourceStrategy
{
    /// <summary>Holds a definition that is being deleted until its objects are gone.</summary>
    public const string Cleanup = "customresourcecleanup.apiextensions.k8s.io";

    public override void PrepareForCreate(JsonObject item)
    {
        FillNames(item.Obj("spec"));
        var metadata = item.Ensure("metadata");
        var finalizers = metadata.Arr("finalizers") ?? [];
        if (!finalizers.Strings().Contains(Cleanup))
            finalizers.Add(Cleanup);
        metadata["finalizers"] = finalizers.Parent is null ? finalizers : finalizers.DeepClone();
        item["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(
                Condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                Condition("Established", "InitialNamesAccepted", "the initial names have been accepted")),
            ["acceptedNames"] = item.Obj("spec").Obj("names")?.DeepClone(),
            ["storedVersions"] = new JsonArray([.. StorageVersions(item).Select(name => JsonValue.Create(name))]),
        };
    }

    public override void PrepareForUpdate(JsonObject item, JsonObject old)
    {
        FillNames(item.Obj("spec"));
        var status = item.Ensure("status");
        status["acceptedNames"] = item.Obj("spec").Obj("names")?.DeepClone();
        var versions = old.Obj("status").Arr("storedVersions").Strings().Union(StorageVersions(item));
        status["storedVersions"] = new JsonArray([.. versions.Select(name => JsonValue.Create(name))]);
    }

    public override IEnumerable<FieldError> Validate(JsonObject item, JsonObject? old) => CrdRules.Validate(item, old);

    public override IEnumerable<string> Warnings(JsonObject item)
    {
        var warnings = new List<string>();
        foreach (var (index, version) in (item.Obj("spec").Arr("versions") ?? []).Index())
            CrdRules.ParseSchema(version as JsonObject, index, [], warnings);
        return warnings;
    }

    static void FillNames(JsonObject? spec)
    {
        if (spec.Obj("names") is not { } names || names.Str("kind") is not { } kind)
            return;
        if (string.IsNullOrEmpty(names.Str("singular")))
            names["singular"] = kind.ToLowerInvariant();
        if (string.IsNullOrEmpty(names.Str("listKind")))
            names["listKind"] = $"{kind}List";
        spec!["conversion"] ??= new JsonObject { ["strategy"] = "None" };
    }

    static IEnumerable<string> StorageVersions(JsonObject item) =>
        (item.Obj("spec").Arr("versions") ?? []).Where(version => version.Bool("storage") == true).Select(version => version.Str("name") ?? "");

    JsonObject Condition(string type, string reason, string message) => new()
    {
        ["type"] = type,
        ["status"] = "True",
        ["lastTransitionTime"] = Timestamps.Format(time.GetUtcNow()),
        ["reason"] = reason,
        ["message"] = message,
    };
}
