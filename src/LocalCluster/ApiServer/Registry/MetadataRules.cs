using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Selectors;

namespace Framelease.LocalCluster.ApiServer.Registry;

/// <summary>What every object's metadata must obey.</summary>
static class MetadataRules
{
    const int MaxAnnotationBytes = 256 * 1024;

    static readonly string[] Known =
    [
        "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers", "managedFields",
    ];

    static readonly string[] KnownOwner = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];

    /// <summary>Drops members that metadata does not have, reporting their paths, and refuses members of the wrong type.</summary>
    public static void Normalize(JsonObject metadata, List<string> unknown)
    {
        foreach (var name in metadata.Select(member => member.Key).Where(name => !Known.Contains(name)).ToList())
        {
            unknown.Add($"metadata.{name}");
            metadata.Remove(name);
        }

        foreach (var name in Known)
        {
            if (metadata.ContainsKey(name) && metadata[name] is null)
                metadata.Remove(name);
        }

        foreach (var name in (ReadOnlySpan<string>)["name", "generateName", "namespace", "uid", "resourceVersion"])
            Require(metadata, name, JsonValueKind.String, "string");
        RequireStrings(metadata, "labels");
        RequireStrings(metadata, "annotations");
        Require(metadata, "finalizers", JsonValueKind.Array, "[]string");
        Require(metadata, "ownerReferences", JsonValueKind.Array, "[]OwnerReference");
        foreach (var owner in metadata.Arr("ownerReferences") ?? [])
        {
            if (owner is not JsonObject reference)
                throw Mistyped("metadata.ownerReferences", "OwnerReference");
            foreach (var name in reference.Select(member => member.Key).Where(name => !KnownOwner.Contains(name)).ToList())
            {
                unknown.Add($"metadata.ownerReferences.{name}");
                reference.Remove(name);
            }
        }

        // Field ownership is computed by the server; self links are gone since 1.20.
        metadata.Remove("managedFields");
        metadata.Remove("selfLink");
        foreach (var name in (ReadOnlySpan<string>)["labels", "annotations", "finalizers", "ownerReferences"])
        {
            if (metadata[name] is JsonObject { Count: 0 } or JsonArray { Count: 0 })
                metadata.Remove(name);
        }
    }

    public static IEnumerable<FieldError> Validate(JsonObject metadata, ResourceType type, JsonObject? old)
    {
        var name = metadata.Str("name") ?? "";
        if (old is null && name.Length == 0)
            yield return FieldError.Required("metadata.name", "name or generateName is required");
        else if (old is null && Names.Problem(name, type.Strategy.Names) is { } problem)
            yield return FieldError.Invalid("metadata.name", JsonValue.Create(name), problem);
        foreach (var (key, value) in metadata.Obj("labels") ?? [])
        {
            if (Names.QualifiedNameProblem(key) is { } keyProblem)
                yield return FieldError.Invalid("metadata.labels", JsonValue.Create(key), keyProblem);
            if (Names.LabelValueProblem(value.AsString() ?? "") is { } valueProblem)
                yield return FieldError.Invalid("metadata.labels", value, valueProblem);
        }

        var annotationBytes = 0;
        foreach (var (key, value) in metadata.Obj("annotations") ?? [])
        {
            annotationBytes += key.Length + (value.AsString()?.Length ?? 0);
            if (Names.QualifiedNameProblem(key.ToLowerInvariant()) is { } keyProblem)
                yield return FieldError.Invalid("metadata.annotations", JsonValue.Create(key), keyProblem);
        }

        if (annotationBytes > MaxAnnotationBytes)
            yield return FieldError.TooLong("metadata.annotations", MaxAnnotationBytes);
        foreach (var error in ValidateOwners(metadata.Arr("ownerReferences")).Concat(ValidateFinalizers(metadata, old)))
            yield return error;
    }

    static IEnumerable<FieldError> ValidateOwners(JsonArray? owners)
    {
        foreach (var (index, owner) in (owners ?? []).Index())
        {
            foreach (var name in (IEnumerable<string>)["apiVersion", "kind", "name", "uid"])
            {
                if (string.IsNullOrEmpty(owner.Str(name)))
                    yield return FieldError.Invalid($"metadata.ownerReferences[{index}].{name}", JsonValue.Create(""), $"{name} must not be empty");
            }
        }

        if (owners?.Count(owner => owner.Bool("controller") == true) > 1)
        {
            yield return FieldError.Invalid(
                "metadata.ownerReferences", null, "Only one reference can have Controller set to true");
        }
    }

    static IEnumerable<FieldError> ValidateFinalizers(JsonObject metadata, JsonObject? old)
    {
        var finalizers = metadata.Arr("finalizers").Strings().ToList();
        foreach (var finalizer in finalizers)
        {
            if (Names.QualifiedNameProblem(finalizer) is { } problem)
                yield return FieldError.Invalid("metadata.finalizers", JsonValue.Create(finalizer), problem);
        }

        if (old.Obj("metadata").Str("deletionTimestamp") is null)
            yield break;
        var added = finalizers.Except(old.Obj("metadata").Arr("finalizers").Strings()).ToList();
        if (added.Count > 0)
        {
            yield return FieldError.Forbidden("metadata.finalizers",
                $"no new finalizers can be added if the object is being deleted, found new finalizers {string.Join(", ", added)}");
        }
    }

    static void Require(JsonObject metadata, string name, JsonValueKind kind, string expected)
    {
        if (metadata[name] is { } value && value.GetValueKind() != kind)
            throw Mistyped($"metadata.{name}", expected);
    }

    static void RequireStrings(JsonObject metadata, string name)
    {
        if (metadata[name] is not { } node)
            return;
        if (node is not JsonObject map)
            throw Mistyped($"metadata.{name}", "map[string]string");
        foreach (var (key, value) in map.ToList())
        {
            if (value is null)
                map[key] = "";
            else if (value.GetValueKind() != JsonValueKind.String)
                throw Mistyped($"metadata.{name}.{key}", "string");
        }
    }

    static ApiException Mistyped(string field, string expected) =>
        ApiErrors.BadRequest($"the object could not be decoded: {field} must be of type {expected}");
}
