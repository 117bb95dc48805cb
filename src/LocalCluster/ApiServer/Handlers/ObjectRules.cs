using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Cel;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Brings a written object into the form of its type and checks it: prune, default, validate, rules.</summary>
static class ObjectRules
{
    static readonly FieldError RulesNotChecked = FieldError.Invalid("<nil>", null,
        "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation");

    // The errors after which upstream does not evaluate rules either, and says so.
    static bool Blocks(FieldError error) =>
        error.Reason is "FieldValueRequired" or "FieldValueNotSupported" or "FieldValueTooLong" or "FieldValueTooMany" or "FieldValueTypeInvalid";

    /// <summary>Drops unknown fields and fills defaults; unknown and duplicate fields end as the options say.</summary>
    public static void Normalize(JsonObject item, ResourceType type, WriteOptions options)
    {
        var unknown = new List<string>();
        CheckKind(item, type);
        if (item["metadata"] is not (null or JsonObject))
            throw ApiErrors.BadRequest("the object could not be decoded: metadata must be an object");
        MetadataRules.Normalize(item.Ensure("metadata"), unknown);
        if (type.Schema is { } schema)
        {
            Pruning.PruneRoot(item, schema, unknown);
            Defaulting.DropNulls(item, schema);
            Defaulting.Apply(item, schema);
        }

        Report(unknown, type, options);
    }

    static void CheckKind(JsonObject item, ResourceType type)
    {
        item["apiVersion"] ??= type.ApiVersion;
        item["kind"] ??= type.Kind;
        if (item.Str("apiVersion") != type.ApiVersion)
        {
            throw ApiErrors.BadRequest(
                $"the API version in the data ({item.Str("apiVersion")}) does not match the expected API version ({type.ApiVersion})");
        }

        if (item.Str("kind") == type.Kind)
            return;
        if (type.IsCustom)
            throw ApiErrors.Invalid(type, item.Obj("metadata").Str("name") ?? "", [FieldError.Invalid("kind", item["kind"], $"must be {type.Kind}")]);
        throw ApiErrors.BadRequest($"the kind in the data ({item.Str("kind")}) does not match the expected kind ({type.Kind})");
    }

    static void Report(List<string> unknown, ResourceType type, WriteOptions options)
    {
        if (options.Validation == FieldValidation.Ignore)
            return;
        var problems = options.Duplicates.Select(path => $"duplicate field \"{path}\"")
            .Concat(unknown.Select(path => $"unknown field \"{path}\"")).ToList();
        if (problems.Count == 0)
            return;
        if (options.Validation == FieldValidation.Warn)
            options.Warnings.AddRange(problems);
        else if (options.Patch.Length > 0)
        {
            throw PatchProblem(options.Patch, $"strict decoding error: {string.Join(", ", problems)}");
        }
        else
        {
            throw ApiErrors.BadRequest($"{type.Kind} in version \"{type.Version}\" cannot be handled as a {type.Kind}: "
                + $"strict decoding error: {string.Join(", ", problems)}");
        }
    }

    static ApiException PatchProblem(string patch, string problem)
    {
        var error = FieldError.Invalid("patch", JsonValue.Create(patch), problem);
        return new ApiException(422, "Invalid", $" \"\" is invalid: {error}", new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = error.Reason, ["message"] = error.Detail, ["field"] = error.Field }),
        });
    }

    /// <exception cref="ApiException">422 Invalid with every problem.</exception>
    public static void Validate(JsonObject item, JsonObject? old, ResourceType type)
    {
        var name = item.Obj("metadata").Str("name") ?? "";
        var errors = MetadataRules.Validate(item.Obj("metadata")!, type, old).ToList();
        if (type.Schema is { } schema)
        {
            SchemaValidator.Validate(item, schema, "", errors);
            // Rules see only values of the right shape.
            if (errors.Count == 0)
                CelValidator.Validate(item, old, schema, "", errors);
            else if (schema.HasRules && errors.Exists(Blocks))
                errors.Add(RulesNotChecked);
        }

        errors.AddRange(type.Strategy.Validate(item, old));
        if (errors.Count > 0)
            throw ApiErrors.Invalid(type, name, errors);
    }
}
