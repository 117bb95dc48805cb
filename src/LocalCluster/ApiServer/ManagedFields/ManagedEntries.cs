using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>Reads and writes <c>metadata.managedFields</c>, and keeps the list short.</summary>
static class ManagedEntries
{
    const int MaxUpdaters = 10;
    const string Merged = "ancient-changes";

    public static List<ManagedEntry> Read(JsonObject? metadata) =>
        [.. (metadata.Arr("managedFields") ?? []).Select(ManagedEntry.Read).OfType<ManagedEntry>()];

    /// <summary>
    /// The entries that a write starts from. A client that sends managedFields edits them; one that sends none, or nonsense, does not
    /// mean to drop them; a list of one empty entry asks for exactly that.
    /// </summary>
    public static List<ManagedEntry> Start(JsonArray? sent, JsonObject? live)
    {
        if (sent is [JsonObject { Count: 0 }])
            return [];
        List<ManagedEntry> edited = [.. (sent ?? []).Select(ManagedEntry.Read).OfType<ManagedEntry>()];
        return edited.Count > 0 ? edited : Read(live.Obj("metadata"));
    }

    public static void Write(JsonObject metadata, IReadOnlyList<ManagedEntry> entries)
    {
        if (entries.Count == 0)
            metadata.Remove("managedFields");
        else
            metadata["managedFields"] = new JsonArray([.. Sorted(entries).Select(entry => (JsonNode)entry.ToJson())]);
    }

    /// <summary>True when the same managers own the same fields.</summary>
    public static bool SameButTimes(IReadOnlyList<ManagedEntry> left, IReadOnlyList<ManagedEntry> right) =>
        left.Count == right.Count && left.All(entry => right.Any(entry.SameButTime));

    /// <summary>Merges the oldest updaters into one, so that an object that thousands have written stays small.</summary>
    public static List<ManagedEntry> Capped(List<ManagedEntry> entries)
    {
        var updaters = entries.Where(entry => !entry.IsApply).OrderBy(entry => entry.Time, StringComparer.Ordinal).ToList();
        var surplus = updaters.Count - MaxUpdaters;
        if (surplus <= 0)
            return entries;
        // One more than the surplus, for the entry that they become.
        foreach (var old in updaters.Where(entry => entry.Manager != Merged).Take(surplus + 1).ToList())
        {
            entries.Remove(old);
            var at = entries.FindIndex(entry => entry.IsBy(Merged, false, old.ApiVersion, old.Subresource));
            if (at < 0)
                entries.Add(old with { Manager = Merged });
            else
                entries[at] = entries[at] with { Time = old.Time, Fields = FieldSet.Union(entries[at].Fields, old.Fields) };
        }

        return entries;
    }

    static IEnumerable<ManagedEntry> Sorted(IEnumerable<ManagedEntry> entries) => entries
        .OrderBy(entry => !entry.IsApply)
        .ThenBy(entry => entry.Time, StringComparer.Ordinal)
        .ThenBy(entry => entry.Manager, StringComparer.Ordinal)
        .ThenBy(entry => entry.ApiVersion, StringComparer.Ordinal)
        .ThenBy(entry => entry.Subresource, StringComparer.Ordinal);
}
