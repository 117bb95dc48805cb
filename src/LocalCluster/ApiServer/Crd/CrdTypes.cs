using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Framelease.LocalCluster.ApiServer.Tables;

namespace Framelease.LocalCluster.ApiServer.Crd;

/// <summary>Keeps the registry in step with the stored CustomResourceDefinitions.</summary>
sealed class CrdTypes(ResourceRegistry registry)
{
    public const string Store = "customresourcedefinitions.apiextensions.k8s.io";

    // Parsed once per stored version of a definition; kept in the order of their names.
    readonly SortedDictionary<string, IReadOnlyList<ResourceType>> _types = new(StringComparer.Ordinal);

    public void Load(StoreState state)
    {
        foreach (var item in state.List(Store, null))
            _types[item.Key.Name] = Parse(item.Parse());
        registry.SetCustom(_types.Values.SelectMany(types => types));
    }

    /// <summary>Called with every durable change, before its writer is answered: a new kind is usable at once.</summary>
    public void Observe(StoreEvent change)
    {
        if (change.Object.Resource != Store)
            return;
        if (change.Type == StoreEventType.Deleted)
            _types.Remove(change.Object.Key.Name);
        else
            _types[change.Object.Key.Name] = Parse(change.Object.Parse());
        registry.SetCustom(_types.Values.SelectMany(types => types));
    }

    static List<ResourceType> Parse(JsonObject definition)
    {
        var spec = definition.Obj("spec")!;
        var types = new List<ResourceType>();
        foreach (var (index, version) in (spec.Arr("versions") ?? []).Index())
        {
            if (version is JsonObject served && served.Bool("served") == true)
                types.Add(Type(definition, served, index));
        }

        return types;
    }

    static ResourceType Type(JsonObject definition, JsonObject version, int index)
    {
        var spec = definition.Obj("spec")!;
        var stored = definition.Obj("status").Arr("storedVersions").Strings().ToList();
        var names = spec.Obj("names")!;
        var kind = names.Str("kind")!;
        var scale = Scale(version.Obj("subresources").Obj("scale"));
        var warnings = new List<string>();
        var schema = CrdRules.ParseSchema(version, index, [], warnings);
        if (version.Bool("deprecated") == true)
            warnings.Insert(0, version.Str("deprecationWarning") ?? $"{spec.Str("group")}/{version.Str("name")} {kind} is deprecated");
        return new ResourceType
        {
            Group = spec.Str("group")!,
            Version = version.Str("name")!,
            Kind = kind,
            ListKind = names.Str("listKind") ?? $"{kind}List",
            Plural = names.Str("plural")!,
            Singular = names.Str("singular") ?? kind.ToLowerInvariant(),
            Namespaced = spec.Str("scope") == "Namespaced",
            ShortNames = [.. names.Arr("shortNames").Strings()],
            Categories = [.. names.Arr("categories").Strings()],
            HasStatus = version.Obj("subresources").Obj("status") is not null,
            TracksGeneration = true,
            Schema = schema,
            Scale = scale,
            Subresources = scale is null ? [] : [ScalePaths.Discovery],
            Columns = [.. (version.Arr("additionalPrinterColumns") ?? []).Select(Column)],
            SelectableFields = [.. (version.Arr("selectableFields") ?? []).Select(field => (field.Str("jsonPath") ?? "").TrimStart('.'))],
            Strategy = new CustomResourceStrategy(stored, warnings),
            IsCustom = true,
        };
    }

    static ScalePaths? Scale(JsonObject? scale)
    {
        static string[]? Path(string? path) => string.IsNullOrEmpty(path) ? null : path.TrimStart('.').Split('.');
        return Path(scale.Str("specReplicasPath")) is { } spec && Path(scale.Str("statusReplicasPath")) is { } status
            ? new ScalePaths(spec, status, Path(scale.Str("labelSelectorPath"))) : null;
    }

    static PrinterColumn Column(JsonNode? column) => new(
        column.Str("name") ?? "", column.Str("type") ?? "string", column.Str("jsonPath") ?? "",
        column.Str("format") ?? "", column.Str("description") ?? "", (int)(column.Int("priority") ?? 0));
}

/// <summary>Objects of custom kinds: an update must say which version it was made from; versions differ only in name.</summary>
/// <param name="storedVersions">Versions in which objects may have been stored.</param>
/// <param name="warnings">What every write is told: the version is deprecated, a rule of the schema is not evaluated here.</param>
sealed class CustomResourceStrategy(IReadOnlyList<string> storedVersions, IReadOnlyList<string> warnings) : ResourceStrategy
{
    public override bool IsServedAsStored(ResourceType type) => storedVersions is [var only] && only == type.Version;

    public override bool AllowsUnconditionalUpdate => false;

    public override IEnumerable<string> Warnings(JsonObject item) => warnings;

    public override void ToServed(JsonObject item, ResourceType type)
    {
        if (item.Str("apiVersion") != type.ApiVersion)
            item["apiVersion"] = type.ApiVersion;
    }

    // The storage version is the one that was added to the list last.
    public override void ToStored(JsonObject item, ResourceType type)
    {
        if (storedVersions.Count > 0)
            item["apiVersion"] = $"{type.Group}/{storedVersions[^1]}";
    }
}
