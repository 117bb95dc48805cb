using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Schema;

/// <summary>Checks values against a schema, in the words that Kubernetes' structural validation uses.</summary>
static class SchemaValidator
{
    // More would only make the answer unreadable.
    const int MaxErrors = 50;

    public static void Validate(JsonNode? value, SchemaNode schema, string path, List<FieldError> errors)
    {
        if (errors.Count >= MaxErrors)
            return;
        if (value is null)
        {
            if (!schema.Nullable && schema.Type.Length > 0)
                errors.Add(Mistyped(path, schema.Type, "null"));
            return;
        }

        if (!HasType(value, schema))
        {
            errors.Add(Mistyped(path, schema.IntOrString ? "integer,string" : schema.Type, TypeName(value)));
            return;
        }

        if (schema.Enum is { } allowed && !allowed.Any(choice => JsonAccess.Same(choice, value)))
            errors.Add(FieldError.NotSupported(path, value, allowed.Select(choice => choice.AsString() ?? FieldError.Show(choice))));
        switch (value)
        {
            case JsonObject item:
                ValidateObject(item, schema, path, errors);
                break;
            case JsonArray list:
                ValidateList(list, schema, path, errors);
                break;
            default:
                ScalarRules.Validate(value, schema, path, errors);
                break;
        }

        ValidateJunctors(value, schema, path, errors);
    }

    static void ValidateObject(JsonObject item, SchemaNode schema, string path, List<FieldError> errors)
    {
        foreach (var name in schema.Required)
        {
            if (!item.ContainsKey(name))
                errors.Add(FieldError.Required(Join(path, name)));
        }

        if (schema.MinProperties is { } min && item.Count < min)
            errors.Add(FieldError.Invalid(path, JsonValue.Create(item.Count), $"{InBody(path)} should have at least {min} properties"));
        if (schema.MaxProperties is { } max && item.Count > max)
            errors.Add(new FieldError("FieldValueTooMany", path, $"Too many: {item.Count}: must have at most {max} items"));
        foreach (var (name, child) in item)
        {
            if (schema.Property(name) is { } known)
                Validate(child, known, schema.Properties.ContainsKey(name) ? Join(path, name) : $"{path}.{name}", errors);
            else if (!schema.AllowsAdditional)
                errors.Add(FieldError.Forbidden(Join(path, name), $"{Join(path, name)} in body is a forbidden property"));
        }
    }

    static void ValidateList(JsonArray list, SchemaNode schema, string path, List<FieldError> errors)
    {
        if (schema.MinItems is { } min && list.Count < min)
            errors.Add(FieldError.Invalid(path, JsonValue.Create(list.Count), $"{InBody(path)} should have at least {min} items"));
        if (schema.MaxItems is { } max && list.Count > max)
            errors.Add(new FieldError("FieldValueTooMany", path, $"Too many: {list.Count}: must have at most {max} items"));
        for (var i = 0; schema.Items is { } items && i < list.Count; i++)
            Validate(list[i], items, $"{path}[{i}]", errors);
        for (var i = 0; schema is { ChecksListKeys: true, ListType: "set" or "map" } && i < list.Count; i++)
        {
            var key = ListKey(list[i], schema);
            for (var earlier = 0; earlier < i; earlier++)
            {
                if (!JsonAccess.Same(key, ListKey(list[earlier], schema)))
                    continue;
                errors.Add(FieldError.Duplicate($"{path}[{i}]", key));
                break;
            }
        }
    }

    static JsonNode? ListKey(JsonNode? element, SchemaNode schema)
    {
        if (schema.ListType == "set")
            return element;
        var key = new JsonObject();
        foreach (var name in schema.ListMapKeys)
            key[name] = (element as JsonObject)?[name]?.DeepClone();
        return key;
    }

    static void ValidateJunctors(JsonNode value, SchemaNode schema, string path, List<FieldError> errors)
    {
        foreach (var part in schema.AllOf)
            Validate(value, part, path, errors);
        if (schema.AnyOf.Count > 0 && !schema.AnyOf.Any(part => Passes(value, part)))
            errors.Add(Junctor(path, value, "must validate at least one schema (anyOf)"));
        if (schema.OneOf.Count > 0 && schema.OneOf.Count(part => Passes(value, part)) != 1)
            errors.Add(Junctor(path, value, "must validate one and only one schema (oneOf)"));
        if (schema.Not is { } not && Passes(value, not))
            errors.Add(Junctor(path, value, "must not validate the schema (not)"));
    }

    static bool Passes(JsonNode value, SchemaNode schema)
    {
        var errors = new List<FieldError>();
        Validate(value, schema, "", errors);
        return errors.Count == 0;
    }

    static FieldError Junctor(string path, JsonNode value, string what)
    {
        var shown = value is JsonObject or JsonArray ? JsonValue.Create("") : value;
        return FieldError.Invalid(path.Length == 0 ? "<nil>" : path, shown, $"{(path.Length == 0 ? "\"\"" : $"\"{path}\"")} {what}");
    }

    static bool HasType(JsonNode value, SchemaNode schema)
    {
        var kind = value.GetValueKind();
        if (schema.IntOrString)
            return kind == JsonValueKind.String || value.AsInteger() is not null;
        return schema.Type switch
        {
            "object" => kind == JsonValueKind.Object,
            "array" => kind == JsonValueKind.Array,
            "string" => kind == JsonValueKind.String,
            "boolean" => kind is JsonValueKind.True or JsonValueKind.False,
            "number" => kind == JsonValueKind.Number,
            "integer" => kind == JsonValueKind.Number && value.AsInteger() is not null,
            _ => true,
        };
    }

    static string TypeName(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => value.AsInteger() is null ? "number" : "integer",
    };

    static FieldError Mistyped(string path, string expected, string actual) =>
        FieldError.InvalidType(path.Length == 0 ? "<nil>" : path, actual, $"{InBody(path)} must be of type {expected}: \"{actual}\"");

    public static string InBody(string path) => path.Length == 0 ? "<nil> in body" : $"{path} in body";

    public static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
