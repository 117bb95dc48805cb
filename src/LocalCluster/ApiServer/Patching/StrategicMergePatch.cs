using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.Patching;

/// <summary>
/// Kubernetes' strategic merge: like a merge patch, but lists whose schema names a merge key merge element by element, and the
/// directives <c>$patch</c>, <c>$deleteFromPrimitiveList/…</c>, <c>$setElementOrder/…</c> and <c>$retainKeys</c> steer it.
/// </summary>
static class StrategicMergePatch
{
    const string DeleteFromList = "$deleteFromPrimitiveList/";
    const string SetOrder = "$setElementOrder/";

    public static JsonObject Apply(JsonObject target, JsonObject patch, SchemaNode? schema)
    {
        switch (patch.Str("$patch"))
        {
            case "replace":
                var replacement = (JsonObject)patch.DeepClone();
                replacement.Remove("$patch");
                return replacement;
            case "delete":
                return [];
            case null or "merge":
                break;
            case var other:
                throw ApiErrors.BadRequest($"Unknown patch type found: {other}");
        }

        if (patch.Arr("$retainKeys") is { } retained)
        {
            var keep = retained.Strings().ToHashSet();
            foreach (var name in target.Select(member => member.Key).Where(name => !keep.Contains(name)).ToList())
                target.Remove(name);
        }

        foreach (var (name, value) in patch)
            Merge(target, name, value, schema);
        foreach (var (name, value) in patch)
        {
            if (name.StartsWith(SetOrder, StringComparison.Ordinal) && value is JsonArray order)
                Reorder(target, name[SetOrder.Length..], order, schema);
        }

        return target;
    }

    static void Merge(JsonObject target, string name, JsonNode? value, SchemaNode? schema)
    {
        if (name.StartsWith(DeleteFromList, StringComparison.Ordinal))
        {
            DeletePrimitives(target.Arr(name[DeleteFromList.Length..]), value as JsonArray);
            return;
        }

        if (name.StartsWith('$'))
            return;
        var child = schema?.Property(name);
        switch (value)
        {
            case null:
                target.Remove(name);
                break;
            case JsonObject map:
                var existing = target.Obj(name);
                target.Remove(name);
                if (map.Str("$patch") != "delete")
                    target[name] = Apply(existing ?? [], map, child);
                break;
            case JsonArray list when MergeKey(child) is { } key && target[name] is JsonArray current:
                MergeList(current, list, key, child?.Items);
                break;
            case JsonArray list when MergesPrimitives(child) && target[name] is JsonArray current:
                foreach (var item in list.Where(item => !current.Any(present => JsonAccess.Same(present, item))))
                    current.Add(item?.DeepClone());
                break;
            case JsonArray list:
                target[name] = WithoutDirectives(list);
                break;
            default:
                target[name] = value.DeepClone();
                break;
        }
    }

    static void MergeList(JsonArray current, JsonArray patch, string key, SchemaNode? items)
    {
        if (patch.Any(element => element.Str("$patch") == "replace"))
        {
            current.Clear();
            patch = WithoutDirectives(patch);
        }

        foreach (var element in patch.OfType<JsonObject>())
        {
            if (element[key] is not { } wanted)
                throw ApiErrors.BadRequest($"map: {element.ToJsonString()} does not contain declared merge key: {key}");
            var at = IndexOf(current, key, wanted);
            if (element.Str("$patch") == "delete")
            {
                if (at >= 0)
                    current.RemoveAt(at);
            }
            else if (at < 0)
            {
                current.Add(Apply([], element, items));
            }
            else
            {
                var existing = (JsonObject)current[at]!;
                current.RemoveAt(at);
                current.Insert(at, Apply(existing, element, items));
            }
        }
    }

    static void Reorder(JsonObject target, string name, JsonArray order, SchemaNode? schema)
    {
        if (target[name] is not JsonArray list)
            return;
        var key = MergeKey(schema?.Property(name));
        bool Same(JsonNode? item, JsonNode? place) => key is null
            ? JsonAccess.Same(item, place) : JsonAccess.Same((item as JsonObject)?[key], (place as JsonObject)?[key]);
        var items = list.ToList();
        // Elements that the order does not name keep their place behind the named ones that were before them.
        var sorted = order.Select(place => items.Find(item => Same(item, place))).OfType<JsonNode>()
            .Concat(items.OfType<JsonNode>().Where(item => !order.Any(place => Same(item, place)))).ToList();
        list.Clear();
        foreach (var item in sorted)
            list.Add(item);
    }

    static void DeletePrimitives(JsonArray? list, JsonArray? unwanted)
    {
        for (var i = (list?.Count ?? 0) - 1; i >= 0; i--)
        {
            if (unwanted?.Any(item => JsonAccess.Same(item, list![i])) == true)
                list!.RemoveAt(i);
        }
    }

    static JsonArray WithoutDirectives(JsonArray list) =>
        [.. list.Where(item => (item as JsonObject)?.ContainsKey("$patch") != true).Select(item => item?.DeepClone())];

    static int IndexOf(JsonArray list, string key, JsonNode wanted)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (JsonAccess.Same((list[i] as JsonObject)?[key], wanted))
                return i;
        }

        return -1;
    }

    static string? MergeKey(SchemaNode? schema) => schema?.Source.Str("x-kubernetes-patch-merge-key");

    static bool MergesPrimitives(SchemaNode? schema) =>
        schema?.Source.Str("x-kubernetes-patch-strategy") == "merge" && MergeKey(schema) is null;
}
