using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Schema;
using Framelease.LocalCluster.ApiServer.Selectors;
using Framelease.LocalCluster.ApiServer.Tables;

namespace Framelease.LocalCluster.ApiServer.Crd;

/// <summary>What a CustomResourceDefinition must obey to be served.</summary>
static class CrdRules
{
    public static IEnumerable<FieldError> Validate(JsonObject item, JsonObject? old)
    {
        var errors = new List<FieldError>();
        var spec = item.Obj("spec") ?? [];
        var names = spec.Obj("names") ?? [];
        var (group, plural) = (spec.Str("group") ?? "", names.Str("plural") ?? "");
        if (item.Obj("metadata").Str("name") is var name && name != $"{plural}.{group}")
            errors.Add(FieldError.Invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group"));
        if (!group.Contains('.') || Names.SubdomainProblem(group) is not null)
            errors.Add(FieldError.Invalid("spec.group", group, "should be a domain with at least one dot"));
        if (Names.LabelProblem(plural) is { } pluralProblem)
            errors.Add(FieldError.Invalid("spec.names.plural", plural, pluralProblem));
        if (Names.LabelProblem((names.Str("kind") ?? "").ToLowerInvariant()) is { } kindProblem)
            errors.Add(FieldError.Invalid("spec.names.kind", names["kind"], $"may have mixed case, but should otherwise match: {kindProblem}"));
        if (spec.Bool("preserveUnknownFields") == true)
            errors.Add(FieldError.Invalid("spec.preserveUnknownFields", true, "must be false in order to use defaults in the schema"));
        if (spec.Obj("conversion").Str("strategy") is not (null or "None") and var strategy)
            errors.Add(FieldError.NotSupported("spec.conversion.strategy", strategy, ["None"]));
        ValidateVersions(spec.Arr("versions") ?? [], errors);
        if (old is not null)
            ValidateUnchanged(spec, old.Obj("spec"), errors);
        return errors;
    }

    /// <summary>Reads the schema of one version; problems get the paths that they have in the CRD.</summary>
    public static SchemaNode? ParseSchema(JsonObject? version, int index, List<FieldError> errors, List<string> warnings)
    {
        var path = $"spec.versions[{index}].schema.openAPIV3Schema";
        if (version.Obj("schema").Obj("openAPIV3Schema") is not { } schema)
        {
            errors.Add(FieldError.Required(path, "schemas are required"));
            return null;
        }

        if (schema.Str("type") != "object")
            errors.Add(FieldError.Invalid($"{path}.type", schema["type"] ?? "", "must be object at the root"));
        return new SchemaParser(errors, warnings).Parse(schema, path);
    }

    static void ValidateVersions(JsonArray versions, List<FieldError> errors)
    {
        var seen = new HashSet<string>();
        foreach (var (index, version) in versions.Index())
        {
            var at = $"spec.versions[{index}]";
            var name = version.Str("name") ?? "";
            if (Names.LabelProblem(name) is { } problem)
                errors.Add(FieldError.Invalid($"{at}.name", name, problem));
            if (!seen.Add(name))
                errors.Add(FieldError.Invalid("spec.versions", name, "must contain unique version names"));
            ParseSchema(version as JsonObject, index, errors, []);
            ValidateScale(version.Obj("subresources").Obj("scale"), $"{at}.subresources.scale", errors);
            foreach (var (column, definition) in (version.Arr("additionalPrinterColumns") ?? []).Index())
            {
                if (JsonPath.Problem(definition.Str("jsonPath") ?? "") is { } pathProblem)
                    errors.Add(FieldError.Invalid($"{at}.additionalPrinterColumns[{column}].jsonPath", definition.Str("jsonPath"), pathProblem));
                if (definition.Str("type") is not ("string" or "integer" or "number" or "boolean" or "date"))
                {
                    errors.Add(FieldError.NotSupported($"{at}.additionalPrinterColumns[{column}].type", definition.Str("type"),
                        ["boolean", "date", "integer", "number", "string"]));
                }
            }
        }

        if (versions.Count(version => version.Bool("storage") == true) != 1)
            errors.Add(FieldError.Invalid("spec.versions", null, "must have exactly one version marked as storage version"));
    }

    static void ValidateScale(JsonObject? scale, string at, List<FieldError> errors)
    {
        if (scale is null)
            return;
        foreach (var (name, start) in (IEnumerable<(string, string)>)[("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")])
        {
            var path = scale.Str(name) ?? "";
            if (path.Length == 0)
                errors.Add(FieldError.Required($"{at}.{name}"));
            else if (!path.StartsWith(start, StringComparison.Ordinal) || path.Contains('['))
                errors.Add(FieldError.Invalid($"{at}.{name}", path, $"should be a json path under {start.TrimEnd('.')}"));
        }
    }

    static void ValidateUnchanged(JsonObject spec, JsonObject? old, List<FieldError> errors)
    {
        Keep("spec.group", spec["group"], old?["group"], errors);
        Keep("spec.scope", spec["scope"], old?["scope"], errors);
        Keep("spec.names.kind", spec.Obj("names")?["kind"], old.Obj("names")?["kind"], errors);
        Keep("spec.names.plural", spec.Obj("names")?["plural"], old.Obj("names")?["plural"], errors);
    }

    static void Keep(string field, JsonNode? value, JsonNode? old, List<FieldError> errors)
    {
        if (!JsonAccess.Same(value, old))
            errors.Add(FieldError.Invalid(field, value, "field is immutable"));
    }
}
