using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Selectors;

/// <summary>A parsed <c>fieldSelector</c>. Name and namespace are answered from the key; other fields parse the object.</summary>
sealed record FieldSelector(IReadOnlyList<FieldRequirement> Requirements)
{
    public static readonly FieldSelector Everything = new([]);

    /// <summary>The only name that can match, when the selector fixes it.</summary>
    public string? Name => Requirements.FirstOrDefault(r => r is { Path: ["metadata", "name"], Negated: false })?.Value;

    public bool Matches(StoredObject item)
    {
        JsonObject? tree = null;
        foreach (var (path, value, negated) in Requirements)
        {
            var actual = path is ["metadata", "name"] ? item.Key.Name
                : path is ["metadata", "namespace"] ? item.Key.Namespace
                : Text((tree ??= item.Parse()).At(path));
            if (actual == value == negated)
                return false;
        }

        return true;
    }

    public static FieldSelector Parse(string? text, ResourceType type)
    {
        if (string.IsNullOrEmpty(text))
            return Everything;
        var requirements = new List<FieldRequirement>();
        foreach (var part in text.Split(','))
        {
            var negated = part.Contains("!=", StringComparison.Ordinal);
            var at = part.IndexOf(negated ? "!=" : "=", StringComparison.Ordinal);
            if (at <= 0)
                throw ApiErrors.BadRequest($"invalid field selector: {text}");
            var field = part[..at].Trim();
            if (field is not ("metadata.name" or "metadata.namespace") && !type.SelectableFields.Contains(field))
                throw ApiErrors.BadRequest($"field label not supported: {field}");
            var value = part[(at + (negated || part[at..].StartsWith("==", StringComparison.Ordinal) ? 2 : 1))..];
            requirements.Add(new FieldRequirement(field.Split('.'), value, negated));
        }

        return new FieldSelector(requirements);
    }

    static string Text(JsonNode? node) => node switch
    {
        null => "",
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        _ => node.ToJsonString(),
    };
}

sealed record FieldRequirement(string[] Path, string Value, bool Negated);
