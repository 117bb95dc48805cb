using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>What a <c>kind</c> line declares.</summary>
sealed record KindDeclaration(string Kind, string ApiVersion, string Plural, IReadOnlyList<string> Flags, string Description, JsonObject Schema)
{
    public string Group => ApiVersion.Contains('/') ? ApiVersion[..ApiVersion.IndexOf('/')] : "";

    public string Version => ApiVersion[(ApiVersion.IndexOf('/') + 1)..];

    public bool Is(string flag) => Flags.Contains(flag);

    public IReadOnlyList<string> List(string name) =>
        Flags.FirstOrDefault(flag => flag.StartsWith(name + "=", StringComparison.Ordinal)) is { } flag ? flag[(name.Length + 1)..].Split(',') : [];
}

/// <summary>
/// Reads the <c>.kinds</c> files: the built-in kinds in one line a field, turned into the same schemas that
/// CustomResourceDefinitions have, so that one engine prunes, defaults, validates and publishes both.
/// </summary>
sealed class KindFile
{
    readonly Dictionary<string, List<KindField>> _types = [];
    readonly HashSet<string> _atomic = [];
    readonly List<(string Header, List<KindField> Fields)> _kinds = [];

    public void Read(string text)
    {
        List<KindField>? fields = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (line.StartsWith("type ", StringComparison.Ordinal))
                _types[TypeName(line)] = fields = [];
            else if (line.StartsWith("kind ", StringComparison.Ordinal))
                _kinds.Add((line[5..], fields = []));
            else
                fields!.Add(KindField.Parse(line));
        }
    }

    string TypeName(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is [_, _, "atomic"])
            _atomic.Add(words[1]);
        return words[1];
    }

    /// <summary>The fields of a declared type, or of a kind (by kind and version).</summary>
    public IReadOnlyList<KindField>? Fields(string type) => _types.GetValueOrDefault(type);

    public IReadOnlyList<KindField>? KindFields(string apiVersion, string kind) =>
        _kinds.FirstOrDefault(entry => entry.Header.StartsWith($"{kind} {apiVersion} ", StringComparison.Ordinal)).Fields;

    /// <summary>The files of this program.</summary>
    public static KindFile ReadAll()
    {
        var kinds = new KindFile();
        foreach (var name in (ReadOnlySpan<string>)["meta", "core", "pod", "reviews"])
        {
            using var stream = typeof(KindFile).Assembly.GetManifestResourceStream($"{name}.kinds")
                ?? throw new InvalidOperationException($"the program lacks its resource {name}.kinds");
            using var reader = new StreamReader(stream);
            kinds.Read(reader.ReadToEnd());
        }

        return kinds;
    }

    public JsonObject TypeSchema(string name, string description = "") => Describe(ObjectSchema(_types[name]), description);

    public IEnumerable<KindDeclaration> Kinds()
    {
        foreach (var (header, fields) in _kinds)
        {
            var quote = header.IndexOf('"');
            var words = header[..quote].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var description = header[(quote + 1)..header.LastIndexOf('"')];
            var schema = ObjectSchema(fields);
            var properties = schema.Ensure("properties");
            properties.Insert(0, "apiVersion", String("Versioned schema of this representation of an object."));
            properties.Insert(1, "kind", String("The resource that this object represents."));
            properties.Insert(2, "metadata", new JsonObject { ["type"] = "object", ["description"] = "Standard object metadata." });
            yield return new KindDeclaration(words[0], words[1], words[2], words[3..], description, Describe(schema, description));
        }
    }

    JsonObject ObjectSchema(List<KindField> fields)
    {
        var properties = new JsonObject();
        foreach (var field in fields)
            properties[field.Name] = FieldSchema(field);
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        var required = fields.Where(field => field.IsRequired).Select(field => (JsonNode)field.Name).ToArray();
        if (required.Length > 0)
            schema["required"] = new JsonArray(required);
        return schema;
    }

    JsonObject FieldSchema(KindField field)
    {
        var schema = Describe(Schema(field.Type), field.Description);
        if (field.Default is not null)
            schema["default"] = field.Default.DeepClone();
        return schema;
    }

    JsonObject Schema(string type) => type switch
    {
        "string" => new() { ["type"] = "string" },
        "int" => new() { ["type"] = "integer", ["format"] = "int32" },
        "int64" => new() { ["type"] = "integer", ["format"] = "int64" },
        "number" => new() { ["type"] = "number" },
        "bool" => new() { ["type"] = "boolean" },
        "time" or "microtime" => new() { ["type"] = "string", ["format"] = "date-time", ["nullable"] = true },
        "bytes" => new() { ["type"] = "string", ["format"] = "byte" },
        "atomicAny" => Atomic(Schema("any")),
        "any" => new() { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true },
        "quantity" or "intOrString" => new() { ["x-kubernetes-int-or-string"] = true },
        ['{', .. var value, ' ', 'a', 't', 'o', 'm', 'i', 'c', '}'] => Atomic(Schema($"{{{value}}}")),
        ['{', .. var value, '}'] => new() { ["type"] = "object", ["additionalProperties"] = Schema(value) },
        ['[', .. var element, ']'] => ListSchema(element),
        _ when type.StartsWith("enum(", StringComparison.Ordinal) => new()
        {
            ["type"] = "string",
            ["enum"] = new JsonArray([.. type[5..^1].Split('|').Select(choice => JsonValue.Create(choice))]),
        },
        _ when !_types.TryGetValue(type, out var fields) => throw new FormatException($"type {type} is not declared"),
        _ => _atomic.Contains(type) ? Atomic(ObjectSchema(_types[type])) : ObjectSchema(_types[type]),
    };

    static JsonObject Atomic(JsonObject schema)
    {
        schema["x-kubernetes-map-type"] = "atomic";
        return schema;
    }

    JsonObject ListSchema(string element)
    {
        var words = element.Split(' ');
        var schema = new JsonObject { ["type"] = "array", ["items"] = Schema(words[0]) };
        if (words is [_, "by", var keys])
        {
            // Strategic patches merge by the first key alone, applies by all of them.
            var names = keys.Split('+');
            schema["x-kubernetes-patch-strategy"] = "merge";
            schema["x-kubernetes-patch-merge-key"] = names[0];
            schema["x-kubernetes-list-type"] = "map";
            schema["x-kubernetes-list-map-keys"] = new JsonArray([.. names.Select(name => JsonValue.Create(name))]);
        }
        else if (words is [_, "set"])
        {
            schema["x-kubernetes-patch-strategy"] = "merge";
            schema["x-kubernetes-list-type"] = "set";
        }

        return schema;
    }

    static JsonObject String(string description) => new() { ["type"] = "string", ["description"] = description };

    static JsonObject Describe(JsonObject schema, string description)
    {
        if (description.Length > 0)
            schema["description"] = description;
        return schema;
    }
}

/// <summary>One line of a <c>.kinds</c> file.</summary>
sealed record KindField(string Name, string Type, int Number, bool IsRequired, JsonNode? Default, string Description)
{
    public static KindField Parse(string line)
    {
        var colon = line.IndexOf(':');
        var quote = line.LastIndexOf('"', line.LastIndexOf('"') - 1);
        var (type, number, isRequired, defaultText) = Split(line[(colon + 1)..quote].Trim());
        return new KindField(
            line[..colon].Trim(), type, number, isRequired, defaultText is null ? null : JsonNode.Parse(defaultText),
            line[(quote + 1)..line.LastIndexOf('"')]);
    }

    static (string Type, int Number, bool IsRequired, string? Default) Split(string text)
    {
        var equals = text.IndexOf(" = ", StringComparison.Ordinal);
        var (head, defaultText) = equals < 0 ? (text, null) : (text[..equals], text[(equals + 3)..]);
        var isRequired = head.EndsWith(" !", StringComparison.Ordinal);
        if (isRequired)
            head = head[..^2];
        var at = head.LastIndexOf(" @", StringComparison.Ordinal);
        return at < 0 ? (head, 0, isRequired, defaultText)
            : (head[..at], int.Parse(head.AsSpan(at + 2), CultureInfo.InvariantCulture), isRequired, defaultText);
    }
}
