using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.Cel;

/// <summary>Runs the rules of a schema over a value and, for an update, the value that it replaces.</summary>
static class CelValidator
{
    public static void Validate(JsonNode? value, JsonNode? old, SchemaNode schema, string path, List<FieldError> errors)
    {
        if (value is null)
            return;
        foreach (var rule in schema.Rules)
        {
            if (rule.IsTransition && old is null)
                continue;
            if (rule.Check(value, old) is { } problem)
                errors.Add(Failure(rule, value, path, problem));
        }

        switch (value)
        {
            case JsonObject item:
                foreach (var (name, child) in item)
                {
                    if (schema.Property(name) is { } known)
                        Validate(child, (old as JsonObject)?[name], known, SchemaValidator.Join(path, name), errors);
                }

                break;
            case JsonArray list when schema.Items is { } items:
                for (var i = 0; i < list.Count; i++)
                    Validate(list[i], Counterpart(list[i], old as JsonArray, schema), items, $"{path}[{i}]", errors);
                break;
        }
    }

    /// <summary>Only elements of map lists can be told apart over time; others have no old value.</summary>
    static JsonNode? Counterpart(JsonNode? element, JsonArray? old, SchemaNode schema) =>
        old is null || schema.ListType != "map" ? null
        : old.FirstOrDefault(candidate => schema.ListMapKeys.All(key =>
            JsonAccess.Same((candidate as JsonObject)?[key], (element as JsonObject)?[key])));

    static FieldError Failure(CelRule rule, JsonNode value, string path, string problem)
    {
        var field = rule.FieldPath.Length == 0 ? path : path.Length == 0 ? rule.FieldPath.TrimStart('.') : path + rule.FieldPath;
        var shownField = field.Length == 0 ? "<nil>" : field;
        return rule.Reason switch
        {
            "FieldValueForbidden" => FieldError.Forbidden(shownField, problem),
            "FieldValueRequired" => FieldError.Required(shownField, problem),
            "FieldValueDuplicate" => FieldError.Duplicate(shownField, value),
            _ when value is JsonValue => FieldError.Invalid(shownField, value, problem),
            // A whole object would only bury the message.
            _ => new FieldError("FieldValueInvalid", shownField, $"Invalid value: {problem}"),
        };
    }
}
