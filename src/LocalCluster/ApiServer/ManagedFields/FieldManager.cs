using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>
/// Keeps <c>metadata.managedFields</c>: whoever changes a field comes to own it, whoever applies a field owns it together with those
/// who applied the same value, and what an applier leaves out goes when nobody else owns it.
/// </summary>
/// <param name="metadata">The schema of every object's metadata.</param>
/// <param name="time">Stamps entries.</param>
sealed class FieldManager(SchemaNode metadata, TimeProvider time)
{
    // Whoever made the fields that an object had before anybody tracked them.
    const string BeforeFirstApply = "before-first-apply";

    static readonly FieldSet Unowned = FieldSet.Read((JsonObject)JsonNode.Parse("""
        {"f:apiVersion":{},"f:kind":{},"f:metadata":{".":{},"f:name":{},"f:namespace":{},"f:creationTimestamp":{},"f:selfLink":{},
         "f:uid":{},"f:clusterName":{},"f:generation":{},"f:managedFields":{},"f:resourceVersion":{}}}
        """)!);

    static readonly SchemaNode Text = new() { Source = [], Type = "string" };

    readonly ConditionalWeakTable<ResourceType, SchemaNode> _schemas = [];

    /// <summary>The schema of whole objects: the type's own, with the metadata that all objects have.</summary>
    public SchemaNode SchemaOf(ResourceType type) => _schemas.GetValue(type, added => new SchemaNode
    {
        Source = [],
        Type = "object",
        Properties = new Dictionary<string, SchemaNode>(added.Schema?.Properties ?? new Dictionary<string, SchemaNode>())
        {
            ["apiVersion"] = Text,
            ["kind"] = Text,
            ["metadata"] = metadata,
        },
        PreservesUnknown = added.Schema?.PreservesUnknown ?? true,
    });

    /// <summary>Entries after a write that is no apply. Neither object carries managedFields.</summary>
    /// <param name="type">The served type.</param>
    /// <param name="old">What was there; null for a new object.</param>
    /// <param name="item">What will be there.</param>
    /// <param name="entries">The entries to start from.</param>
    /// <param name="manager">Who writes.</param>
    /// <param name="subresource">Empty, or what is written.</param>
    public List<ManagedEntry> Update(
        ResourceType type, JsonObject? old, JsonObject item, List<ManagedEntry> entries, string manager, string subresource)
    {
        // An object whose tracking was dropped stays untracked until somebody applies.
        if (old is not null && entries.Count == 0)
            return entries;
        var comparison = FieldComparison.Of(old ?? Blank(type), item, SchemaOf(type));
        var own = Find(entries, manager, isApply: false, type.ApiVersion, subresource);
        var others = entries.Where(entry => entry != own).Select(entry => IsComparable(entry, type)
            ? entry with
            {
                Fields = FieldSet.Difference(FieldSet.Difference(entry
                .Fields, comparison.Written), comparison.Removed)
            } : entry);
        var result = others.Where(entry => !entry.Fields.IsEmpty).ToList();
        var written = FieldSet.Difference(comparison.Written, Unowned);
        var fields = FieldSet.Union(FieldSet.Difference(own?.Fields ?? FieldSet.Empty, comparison.Removed), written);
        if (!fields.IsEmpty)
        {
            var stamp = own is not null && written.IsEmpty ? own.Time : Timestamps.Format(time.GetUtcNow());
            result.Add(new ManagedEntry(manager, false, type.ApiVersion, subresource, stamp, fields));
        }

        return ManagedEntries.Capped(result);
    }

    /// <summary>The object that results when a configuration is applied to a live one (null creates), and who owns what then.</summary>
    /// <exception cref="Errors.ApiException">409: others own fields that would change, and the caller does not force.</exception>
    public (JsonObject Item, List<ManagedEntry> Entries) Apply(
        ResourceType type, JsonObject? live, JsonObject config, List<ManagedEntry> entries, string manager, string subresource, bool force)
    {
        var schema = SchemaOf(type);
        if (live is not null && entries.Count == 0)
            entries = Update(type, null, live, entries, BeforeFirstApply, "");
        var old = live ?? Blank(type);
        var merged = (JsonObject)FieldMerge.Merge(live ?? [], config, schema)!;
        var own = Find(entries, manager, isApply: true, type.ApiVersion, subresource);
        var applied = FieldReader.Read(config, schema);
        var all = entries.Where(entry => entry != own).ToList();
        if (own is not null)
        {
            var owned = all.Where(entry => IsComparable(entry, type)).Select(entry => entry.Fields).Aggregate(applied, FieldSet.Union);
            merged = Prune(merged, own.Fields, owned, schema);
        }

        var comparison = FieldComparison.Of(old, merged, schema);
        var conflicts = all.Where(entry => IsComparable(entry, type))
            .Select(entry => (Entry: entry, Fields: FieldSet.Intersection(entry.Fields, comparison.Written)))
            .Where(conflict => !conflict.Fields.IsEmpty).ToList();
        if (conflicts.Count > 0 && !force && !LastApplied.Explains(conflicts.Select(conflict => conflict.Fields), live, manager, schema))
            throw ApplyConflicts.Refusal(conflicts);

        var lost = FieldSet.Union(comparison.Written, comparison.Removed);
        var result = all.Select(entry => IsComparable(entry, type) ? entry with
        {
            Fields = FieldSet.Difference(entry
            .Fields, lost)
        } : entry)
            .Where(entry => !entry.Fields.IsEmpty).ToList();
        var fields = FieldSet.Difference(applied, Unowned);
        if (!fields.IsEmpty)
            result.Add(new ManagedEntry(manager, true, type.ApiVersion, subresource, Timestamps.Format(time.GetUtcNow()), fields));
        return (merged, result);
    }

    /// <summary>Takes out what the applier applied last time, does not apply now, and nobody else owns.</summary>
    /// <param name="merged">The live object with the configuration laid over it.</param>
    /// <param name="last">What the applier owned until now.</param>
    /// <param name="owned">What anybody owns from now on.</param>
    /// <param name="schema">The schema of the object.</param>
    static JsonObject Prune(JsonObject merged, FieldSet last, FieldSet owned, SchemaNode schema)
    {
        var before = Paths(merged, schema);
        var applied = FieldReader.WithContainers(last, schema);
        var pruned = Without(merged, applied, schema);
        // What somebody owns comes back, and then what nobody owned: a container may hold more than what was applied.
        var kept = FieldSet.Union(Paths(pruned, schema), FieldReader.WithContainers(owned, schema));
        pruned = Without(merged, FieldSet.Difference(before, kept), schema);
        return Without(merged, FieldSet.Intersection(FieldSet.Difference(before, Paths(pruned, schema)), applied), schema);
    }

    static FieldSet Paths(JsonObject item, SchemaNode schema) => FieldReader.WithContainers(FieldReader.Read(item, schema), schema);

    static JsonObject Without(JsonObject item, FieldSet unwanted, SchemaNode schema)
    {
        var copy = (JsonObject)item.DeepClone();
        FieldMerge.Remove(copy, unwanted, schema);
        return copy;
    }

    static ManagedEntry? Find(List<ManagedEntry> entries, string manager, bool isApply, string apiVersion, string subresource) =>
        entries.Find(entry => entry.IsBy(manager, isApply, apiVersion, subresource));

    // Versions of custom kinds differ only in name; the two faces of events differ in their members.
    static bool IsComparable(ManagedEntry entry, ResourceType type) => type.IsCustom || entry.ApiVersion == type.ApiVersion;

    /// <summary>What a new object is compared with: built-in kinds always have their main members; nobody owns those as such.</summary>
    static JsonObject Blank(ResourceType type)
    {
        var blank = new JsonObject { ["apiVersion"] = type.ApiVersion, ["kind"] = type.Kind };
        if (type.IsCustom)
            return blank;
        blank["metadata"] = new JsonObject();
        foreach (var name in (ReadOnlySpan<string>)["spec", "status"])
        {
            if (type.Schema?.Properties.TryGetValue(name, out var schema) == true && schema.Type == "object")
                blank[name] = new JsonObject(schema.Required.Where(required => schema.Property(required)?.Type == "array")
                    .Select(required => KeyValuePair.Create(required, (JsonNode?)new JsonArray())));
        }

        return blank;
    }
}
