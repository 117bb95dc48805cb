using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>
/// Refuses an applied configuration whose fields cannot be told apart: fields that the schema does not have, values of another type,
/// list elements without their keys or with the same ones. Upstream answers these with code 500 and no reason, and so do we.
/// </summary>
static class AppliedShape
{
    public static void Check(JsonObject config, SchemaNode schema)
    {
        var problems = new List<string>();
        Check(config, schema, "", problems);
        if (problems.Count == 0)
            return;
        var apiVersion = config.Str("apiVersion") ?? "";
        var metadata = config.Obj("metadata");
        var all = problems is [var only] ? only : $"errors:\n  {string.Join("\n  ", problems)}";
        throw new ApiException(500, "", $"failed to create typed patch object ({metadata.Str("namespace")}/{metadata.Str("name")}; "
            + $"{apiVersion}, Kind={config.Str("kind")}): {all}");
    }

    static void Check(JsonNode? value, SchemaNode? schema, string path, List<string> problems)
    {
        if (schema is null || value is null)
            return;
        if (!Fits(value, schema, out var expected))
        {
            problems.Add($"{path}: expected {expected}, got {FieldError.Show(value)}");
            return;
        }

        if (value is JsonObject members && schema is { Type: "object" } or { Properties.Count: > 0 })
        {
            foreach (var (name, child) in (JsonObject)value)
            {
                if (schema.Property(name) is null && !schema.PreservesUnknown)
                    problems.Add($"{path}.{name}: field not declared in schema");
                else
                    Check(child, schema.Property(name), $"{path}.{name}", problems);
            }
        }
        else if (value is JsonArray list)
        {
            CheckList(list, schema, path, problems);
        }
    }

    static void CheckList(JsonArray list, SchemaNode schema, string path, List<string> problems)
    {
        var merge = MergeShape.ListOf(schema);
        var seen = new HashSet<string>();
        foreach (var (index, element) in list.Index())
        {
            var at = $"[{index}]";
            if (merge != ListMerge.Atomic)
            {
                if (FieldPath.Element(element, schema, merge) is not { } key)
                {
                    var keys = string.Join(" ", schema.ListMapKeys.Select(name => $"\"{name}\""));
                    problems.Add($"{path}: element {index}: associative list with keys has an element that omits all key fields [{keys}] "
                        + "(and doesn't have default values for any key fields)");
                    continue;
                }

                at = FieldPath.Show(key);
                if (!seen.Add(key))
                    problems.Add($"{path}: duplicate entries for key {at}");
            }

            Check(element, schema.Items, path + at, problems);
        }
    }

    static bool Fits(JsonNode value, SchemaNode schema, out string expected)
    {
        var kind = value.GetValueKind();
        expected = schema.Type switch
        {
            "object" => "map",
            "array" => "list",
            "integer" or "number" => "numeric (int or float)",
            var other => other,
        };
        return schema.Type switch
        {
            "object" => kind == JsonValueKind.Object,
            "array" => kind == JsonValueKind.Array,
            "string" => kind == JsonValueKind.String,
            "integer" or "number" => kind == JsonValueKind.Number,
            "boolean" => kind is JsonValueKind.True or JsonValueKind.False,
            _ => true,
        };
    }
}
