using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Framelease.LocalCluster.ApiServer.Cel;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Schema;

/// <summary>Reads an OpenAPI v3 schema as CustomResourceDefinitions hold it, collecting what is wrong with it.</summary>
/// <param name="errors">Receives problems with the path of the field in the CRD.</param>
/// <param name="warnings">Receives rules that cannot be evaluated here.</param>
/// <param name="isBuiltIn">The schema is one of ours.</param>
sealed class SchemaParser(List<FieldError> errors, List<string> warnings, bool isBuiltIn = false)
{
    static readonly string[] Types = ["object", "array", "string", "integer", "number", "boolean"];

    /// <param name="json">The schema.</param>
    /// <param name="path">Path of the schema in the CRD, for errors.</param>
    /// <param name="isJunctor">Inside allOf, anyOf, oneOf or not, where a schema constrains without saying types.</param>
    public SchemaNode Parse(JsonObject json, string path, bool isJunctor = false)
    {
        var type = json.Str("type") ?? "";
        var intOrString = json.Bool("x-kubernetes-int-or-string") == true;
        var preserves = json.Bool("x-kubernetes-preserve-unknown-fields") == true;
        if (!isJunctor && type.Length == 0 && !intOrString && !preserves)
            errors.Add(FieldError.Required($"{path}.type", "must not be empty for specified object fields"));
        if (type.Length > 0 && !Types.Contains(type))
            errors.Add(FieldError.NotSupported($"{path}.type", json["type"], Types));
        if (type == "array" && json.Obj("items") is null && !isJunctor)
            errors.Add(FieldError.Required($"{path}.items", "must be specified"));

        var listType = json.Str("x-kubernetes-list-type") ?? "";
        var mapKeys = json.Arr("x-kubernetes-list-map-keys").Strings().ToList();
        if (listType is not ("" or "atomic" or "set" or "map"))
            errors.Add(FieldError.NotSupported($"{path}.x-kubernetes-list-type", JsonValue.Create(listType), ["atomic", "map", "set"]));
        if (listType == "map" && mapKeys.Count == 0)
            errors.Add(FieldError.Required($"{path}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"));

        return new SchemaNode
        {
            Source = json,
            Type = type,
            Format = json.Str("format") ?? "",
            Properties = Children(json.Obj("properties"), $"{path}.properties", isJunctor),
            Additional = json.Obj("additionalProperties") is { } additional
                ? Parse(additional, $"{path}.additionalProperties", isJunctor) : null,
            AllowsAdditional = json.Bool("additionalProperties") != false,
            Items = json.Obj("items") is { } items ? Parse(items, $"{path}.items", isJunctor) : null,
            Required = [.. json.Arr("required").Strings()],
            Enum = json.Arr("enum"),
            Default = json["default"],
            Nullable = json.Bool("nullable") == true,
            Minimum = json["minimum"].AsNumber(),
            Maximum = json["maximum"].AsNumber(),
            ExclusiveMinimum = json.Bool("exclusiveMinimum") == true,
            ExclusiveMaximum = json.Bool("exclusiveMaximum") == true,
            MultipleOf = json["multipleOf"].AsNumber(),
            MinLength = json.Int("minLength"),
            MaxLength = json.Int("maxLength"),
            PatternText = json.Str("pattern"),
            Pattern = ParsePattern(json.Str("pattern"), path),
            MinItems = json.Int("minItems"),
            MaxItems = json.Int("maxItems"),
            UniqueItems = json.Bool("uniqueItems") == true,
            MinProperties = json.Int("minProperties"),
            MaxProperties = json.Int("maxProperties"),
            IntOrString = intOrString,
            PreservesUnknown = preserves,
            EmbedsResource = json.Bool("x-kubernetes-embedded-resource") == true,
            ListType = listType,
            ListMapKeys = mapKeys,
            ChecksListKeys = !isBuiltIn,
            IsAtomicMap = json.Str("x-kubernetes-map-type") == "atomic",
            AllOf = Junctor(json, "allOf", path),
            AnyOf = Junctor(json, "anyOf", path),
            OneOf = Junctor(json, "oneOf", path),
            Not = json.Obj("not") is { } not ? Parse(not, $"{path}.not", isJunctor: true) : null,
            Rules = Rules(json.Arr("x-kubernetes-validations"), path),
        };
    }

    Dictionary<string, SchemaNode> Children(JsonObject? properties, string path, bool isJunctor)
    {
        var children = new Dictionary<string, SchemaNode>();
        foreach (var (name, child) in properties ?? [])
        {
            if (child is JsonObject schema)
                children[name] = Parse(schema, $"{path}[{name}]", isJunctor);
        }

        return children;
    }

    List<SchemaNode> Junctor(JsonObject json, string name, string path) =>
        [.. (json.Arr(name) ?? []).OfType<JsonObject>().Select((schema, i) => Parse(schema, $"{path}.{name}[{i}]", isJunctor: true))];

    Regex? ParsePattern(string? pattern, string path)
    {
        if (pattern is null)
            return null;
        try
        {
            // Linear time whatever the input, as with Go's RE2.
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            errors.Add(FieldError.Invalid($"{path}.pattern", JsonValue.Create(pattern), $"must be a valid regular expression, but isn't: {error.Message}"));
            return null;
        }
    }

    List<CelRule> Rules(JsonArray? rules, string path)
    {
        var parsed = new List<CelRule>();
        foreach (var (index, rule) in (rules ?? []).Index())
        {
            var at = $"{path}.x-kubernetes-validations[{index}].rule";
            if (rule.Str("rule") is not { Length: > 0 } text)
            {
                errors.Add(FieldError.Required(at, "rule is not specified"));
                continue;
            }

            try
            {
                parsed.Add(CelRule.Parse(text, rule.Str("message"), rule.Str("messageExpression"), rule.Str("reason"), rule.Str("fieldPath")));
            }
            catch (CelSyntaxException error)
            {
                warnings.Add($"{at}: this server does not evaluate the rule \"{text}\": {error.Message}");
            }
        }

        return parsed;
    }
}
