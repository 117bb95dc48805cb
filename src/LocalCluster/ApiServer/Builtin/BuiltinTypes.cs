using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>The table of built-in kinds, read from the embedded <c>.kinds</c> files.</summary>
static class BuiltinTypes
{
    /// <param name="time">Stamps what strategies set.</param>
    /// <param name="metadataSchema">The schema of every object's metadata, for publishing and strategic patches.</param>
    public static IReadOnlyList<ResourceType> Load(TimeProvider time, out JsonObject metadataSchema)
    {
        var kinds = KindFile.ReadAll();
        metadataSchema = kinds.TypeSchema("ObjectMeta", "Metadata that all objects have.");
        var strategies = Strategies(time);
        var types = new List<ResourceType>();
        foreach (var kind in kinds.Kinds())
            types.Add(Type(kind, strategies, metadataSchema));
        return types;
    }

    static ResourceType Type(KindDeclaration kind, Dictionary<string, ResourceStrategy> strategies, JsonObject metadataSchema)
    {
        var errors = new List<FieldError>();
        // The metadata's own schema: strategic patches need its merge keys. Pruning and validation leave metadata to MetadataRules.
        kind.Schema["properties"]!["metadata"] = metadataSchema.DeepClone();
        var schema = new SchemaParser(errors, [], isBuiltIn: true).Parse(kind.Schema, kind.Kind);
        if (errors.Count > 0)
            throw new FormatException($"built-in kind {kind.Kind}: {string.Join("; ", errors)}");
        return new ResourceType
        {
            Group = kind.Group,
            Version = kind.Version,
            Kind = kind.Kind,
            ListKind = kind.Kind + "List",
            Plural = kind.Plural,
            Singular = kind.Kind.ToLowerInvariant(),
            Namespaced = kind.Is("namespaced"),
            HasStatus = kind.Is("status"),
            TracksGeneration = kind.Is("generation"),
            Verbs = kind.Is("create") ? ["create"] : ResourceType.AllVerbs,
            ShortNames = kind.List("short"),
            Categories = kind.List("categories"),
            SelectableFields = kind.List("fields"),
            Schema = schema,
            Strategy = strategies.GetValueOrDefault(kind.Plural, ResourceStrategy.Default),
            Rows = BuiltinRows.For(kind.Plural),
            StorageName = kind.Plural == "events" ? "events" : "",
            Subresources = Subresources(kind.Plural),
        };
    }

    static Dictionary<string, ResourceStrategy> Strategies(TimeProvider time) => new()
    {
        ["namespaces"] = new NamespaceStrategy(),
        ["pods"] = new PodStrategy(),
        ["events"] = new EventStrategy(),
        ["secrets"] = new SecretStrategy(),
        ["configmaps"] = new ConfigMapStrategy(),
        ["customresourcedefinitions"] = new Crd.CrdStrategy(time),
    };

    static IReadOnlyList<SubresourceType> Subresources(string plural) => plural switch
    {
        "pods" => [new("log", "Pod", null, ["get"])],
        "serviceaccounts" => [new("token", "TokenRequest", "authentication.k8s.io/v1", ["create"])],
        _ => [],
    };
}
