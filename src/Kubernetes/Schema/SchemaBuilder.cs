// C# types → structural OpenAPI schema, with bounds on everything in a spec.
using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Schema;

sealed class SchemaBuilder
{
    /// <summary>Types that we are inside of: a schema has no way to say "again".</summary>
    readonly Stack<Type> _open = new();

    SchemaBuilder()
    {
    }

    public static JsonObject Root(Type type)
    {
        if (!typeof(KubernetesObject).IsAssignableFrom(type))
            throw new SchemaException(type.Name, $"derive it from {nameof(KubernetesObject)}");
        var builder = new SchemaBuilder();
        var schema = Described(XmlDocs.Of(type));
        schema["type"] = "object";
        var properties = new JsonObject
        {
            ["apiVersion"] = new JsonObject { ["type"] = "string" },
            ["kind"] = new JsonObject { ["type"] = "string" },
            ["metadata"] = new JsonObject { ["type"] = "object" },
        };
        builder._open.Push(type);
        builder.AddProperties(type, schema, properties, type.Name, property => property.Name != "Status");
        return schema;
    }

    void AddProperties(Type type, JsonObject schema, JsonObject properties, string path, Func<PropertyInfo, bool> bounded)
    {
        var required = new JsonArray();
        foreach (var property in Properties(type))
        {
            var name = JsonName(property);
            properties[name] = OfProperty(property, $"{path}.{name}", bounded(property));
            if (property.IsDefined(typeof(RequiredAttribute)))
                required.Add(name);
        }

        schema["properties"] = properties;
        if (required.Count > 0)
            schema["required"] = required;
        AddRules(schema, type.GetCustomAttributes<ValidationRuleAttribute>());
    }

    JsonObject OfProperty(PropertyInfo property, string path, bool bounded)
    {
        var schema = Described(XmlDocs.Of(property));
        foreach (var (key, value) in OfType(property.PropertyType, property, path, bounded).ToArray())
            schema[key] = value?.DeepClone();
        if (property.GetCustomAttribute<DefaultAttribute>() is { } fallback)
            schema["default"] = Parse(path, fallback.Json);
        AddRules(schema, property.GetCustomAttributes<ValidationRuleAttribute>());
        return schema;
    }

    /// <param name="facets">The property whose attributes bound this type; for items of a list, the list's.</param>
    JsonObject OfType(Type type, PropertyInfo facets, string path, bool bounded)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(Condition))
            return WellKnownSchemas.Condition();
        if (DictionaryValue(type) is { } value)
            return Map(value, facets, path, bounded);
        if (type != typeof(string) && type != typeof(byte[]) && ListItem(type) is { } item)
            return List(item, facets, path, bounded);
        if (facets.IsDefined(typeof(IntOrStringAttribute)))
            return IntOrString(facets);
        if (facets.IsDefined(typeof(PreserveUnknownFieldsAttribute)))
            return new() { ["x-kubernetes-preserve-unknown-fields"] = true };
        if (type == typeof(string))
            return Text(facets, path, bounded);
        if (type == typeof(int) || type == typeof(long))
            return Integer(type, facets, path, bounded);
        if (type == typeof(bool))
            return new() { ["type"] = "boolean" };
        if (type == typeof(DateTimeOffset))
            return new() { ["type"] = "string", ["format"] = "date-time" };
        if (type.IsEnum)
            return new() { ["type"] = "string", ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(n => (JsonNode)n)]) };
        if (type == typeof(JsonElement) || typeof(JsonNode).IsAssignableFrom(type))
            throw new SchemaException(path, "any JSON needs [PreserveUnknownFields] or [IntOrString]");
        if (type == typeof(double) || type == typeof(float) || type == typeof(decimal))
            throw new SchemaException(path, "no fractions in an API (they do not survive a round trip): use an integer with its unit in the name");
        if (type is { IsClass: true } or { IsValueType: true, IsPrimitive: false } && type.Namespace?.StartsWith("System", StringComparison.Ordinal) != true)
            return Nested(type, path, bounded);
        throw new SchemaException(path, $"{type} has no schema");
    }

    JsonObject Nested(Type type, string path, bool bounded)
    {
        if (_open.Contains(type))
            throw new SchemaException(path, $"{type.Name} contains itself; a structural schema can not say that");
        _open.Push(type);
        var schema = new JsonObject { ["type"] = "object" };
        AddProperties(type, schema, [], path, _ => bounded);
        _open.Pop();
        return schema;
    }

    JsonObject Map(Type value, PropertyInfo facets, string path, bool bounded)
    {
        var items = ItemsOf(facets, path, bounded);
        var schema = new JsonObject { ["type"] = "object" };
        schema["additionalProperties"] = OfItem(value, facets, items, $"{path}{{}}", bounded);
        if (items is { Minimum: > 0 })
            schema["minProperties"] = items.Minimum;
        if (items is not null)
            schema["maxProperties"] = items.Maximum;
        return schema;
    }

    JsonObject List(Type item, PropertyInfo facets, string path, bool bounded)
    {
        var items = ItemsOf(facets, path, bounded);
        var element = OfItem(item, facets, items, $"{path}[]", bounded);
        var schema = new JsonObject { ["type"] = "array", ["items"] = element };
        if (items is { Minimum: > 0 })
            schema["minItems"] = items.Minimum;
        if (items is not null)
            schema["maxItems"] = items.Maximum;
        if (facets.GetCustomAttribute<ListMapAttribute>() is { } map)
        {
            CheckKeys(map, element, path);
            schema["x-kubernetes-list-type"] = "map";
            schema["x-kubernetes-list-map-keys"] = new JsonArray([.. map.Keys.Select(k => (JsonNode)k)]);
        }
        else
        {
            schema["x-kubernetes-list-type"] = facets.IsDefined(typeof(ListSetAttribute)) ? "set" : "atomic";
        }

        return schema;
    }

    /// <summary>Strings in a list or map get their length from [Items]; everything else is as anywhere.</summary>
    JsonObject OfItem(Type type, PropertyInfo facets, ItemsAttribute? items, string path, bool bounded)
    {
        if (type != typeof(string) || items is null)
            return OfType(type, facets, path, bounded);
        var schema = new JsonObject { ["type"] = "string" };
        if (facets.GetCustomAttribute<LengthAttribute>() is { Minimum: > 0 } length)
            schema["minLength"] = length.Minimum;
        schema["maxLength"] = items.ItemMaxLength;
        if (facets.GetCustomAttribute<PatternAttribute>() is { } pattern)
            schema["pattern"] = pattern.Pattern;
        return schema;
    }

    static ItemsAttribute? ItemsOf(PropertyInfo facets, string path, bool bounded) =>
        facets.GetCustomAttribute<ItemsAttribute>()
        ?? (bounded ? throw new SchemaException(path, "a list or map of a spec needs bounds: add [Items(minimum, maximum)]") : null);

    static void CheckKeys(ListMapAttribute map, JsonObject element, string path)
    {
        foreach (var key in map.Keys)
        {
            if (element["properties"]?[key] is not JsonObject property)
                throw new SchemaException(path, $"[ListMap] names the key {key}, but its items have no such property");
            var required = (element["required"] as JsonArray)?.Any(r => (string?)r == key) ?? false;
            if (!required && property["default"] is null)
                throw new SchemaException(path, $"the key {key} of a [ListMap] must be [Required] or have a [Default]");
        }
    }

    static JsonObject Text(PropertyInfo facets, string path, bool bounded)
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (facets.IsDefined(typeof(DateTimeFormatAttribute)))
        {
            schema["format"] = "date-time";
            return schema;
        }

        var length = facets.GetCustomAttribute<LengthAttribute>();
        var pattern = facets.GetCustomAttribute<PatternAttribute>();
        if (bounded && length is null && pattern is null)
            throw new SchemaException(path, "a string of a spec needs bounds: add [Length(minimum, maximum)] or [Pattern], or make it an enum");
        if (length is { Minimum: > 0 })
            schema["minLength"] = length.Minimum;
        if (length is not null)
            schema["maxLength"] = length.Maximum;
        if (pattern is not null)
            schema["pattern"] = pattern.Pattern;
        return schema;
    }

    static JsonObject Integer(Type type, PropertyInfo facets, string path, bool bounded)
    {
        var schema = new JsonObject { ["type"] = "integer", ["format"] = type == typeof(int) ? "int32" : "int64" };
        if (facets.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            schema["minimum"] = range.Minimum;
            schema["maximum"] = range.Maximum;
        }
        else if (bounded)
        {
            throw new SchemaException(path, "an integer of a spec needs bounds: add [Range(minimum, maximum)]");
        }

        return schema;
    }

    static JsonObject IntOrString(PropertyInfo facets)
    {
        var schema = new JsonObject { ["x-kubernetes-int-or-string"] = true }; // without anyOf: it adds nothing but a confusing second error
        var longest = facets.GetCustomAttribute<LengthAttribute>()?.Maximum ?? facets.GetCustomAttribute<ItemsAttribute>()?.ItemMaxLength;
        if (longest is { } maximum)
            schema["maxLength"] = maximum;
        return schema;
    }

    static void AddRules(JsonObject schema, IEnumerable<ValidationRuleAttribute> rules)
    {
        var list = new JsonArray();
        foreach (var rule in rules)
            list.Add(new JsonObject { ["rule"] = rule.Rule, ["message"] = rule.Message });
        if (list.Count > 0)
            schema["x-kubernetes-validations"] = list;
    }

    static JsonNode? Parse(string path, string json)
    {
        try
        {
            return JsonNode.Parse(json);
        }
        catch (JsonException error)
        {
            throw new SchemaException(path, $"[Default] is not JSON: {error.Message}");
        }
    }

    static JsonObject Described(string? text) => text is null ? [] : new() { ["description"] = text };

    static IEnumerable<PropertyInfo> Properties(Type type) => type
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(p => p.DeclaringType != typeof(KubernetesObject) && !p.IsDefined(typeof(JsonIgnoreAttribute)) && p.GetIndexParameters().Length == 0)
        .Where(p => p.Name != "EqualityContract")
        .OrderBy(p => p.MetadataToken); // the order in which they are written

    static string JsonName(PropertyInfo property) =>
        property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    static Type? DictionaryValue(Type type) => GenericOf(type, typeof(IReadOnlyDictionary<,>)) is { } map
        ? map.GetGenericArguments() is [var key, var value] && key == typeof(string) ? value : throw new SchemaException(type.Name, "keys must be strings")
        : null;

    static Type? ListItem(Type type) => typeof(IEnumerable).IsAssignableFrom(type) && !typeof(JsonNode).IsAssignableFrom(type)
        ? GenericOf(type, typeof(IEnumerable<>))?.GetGenericArguments()[0]
        : null;

    static Type? GenericOf(Type type, Type definition) =>
        type.GetInterfaces().Prepend(type).FirstOrDefault(i => i.IsGenericType && i.GetGenericTypeDefinition() == definition);
}
