using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>Lays an applied configuration over a live object, and takes paths out of an object.</summary>
static class FieldMerge
{
    public static JsonNode? Merge(JsonNode? live, JsonNode? applied, SchemaNode? schema) => (MergeShape.Of(schema, applied ?? live), live,
        applied) switch
    {
        (Shape.Members, JsonObject { Count: > 0 } left, null) => left.DeepClone(),
        (Shape.Members, JsonObject left, JsonObject right) => MergeMembers(left, right, schema),
        (Shape.Elements, JsonArray { Count: > 0 } left, null) => left.DeepClone(),
        (Shape.Elements, JsonArray left, JsonArray right) => MergeElements(left, right, schema!),
        _ => applied?.DeepClone(),
    };

    static JsonObject MergeMembers(JsonObject live, JsonObject applied, SchemaNode? schema)
    {
        var result = new JsonObject();
        foreach (var (name, value) in live)
        {
            result[name] = applied.TryGetPropertyValue(name, out var wanted)
                ? Merge(value, wanted, MergeShape.Member(schema, name)) : value?.DeepClone();
        }

        foreach (var (name, value) in applied)
        {
            if (!live.ContainsKey(name))
                result[name] = value?.DeepClone();
        }

        return result;
    }

    /// <summary>Applied elements come in their own order; the others keep their place before the applied ones that follow them.</summary>
    static JsonArray MergeElements(JsonArray live, JsonArray applied, SchemaNode schema)
    {
        var lives = MergeShape.Elements(live, schema).ToList();
        var wanted = MergeShape.Elements(applied, schema).ToList();
        var names = wanted.Select(entry => entry.Element).ToHashSet();
        var result = new JsonArray();
        var next = 0;
        void TakeOthers()
        {
            for (; next < lives.Count && !names.Contains(lives[next].Element); next++)
                result.Add(lives[next].Value?.DeepClone());
        }

        TakeOthers();
        foreach (var (element, value) in wanted)
        {
            var at = lives.FindIndex(entry => entry.Element == element);
            result.Add(at < 0 ? value?.DeepClone() : Merge(lives[at].Value, value, schema.Items));
            if (at != next)
                continue;
            next++;
            TakeOthers();
        }

        // Shared elements that came in another order are done; what stands between them still follows.
        for (; next < lives.Count; next++)
        {
            if (!names.Contains(lives[next].Element))
                result.Add(lives[next].Value?.DeepClone());
        }

        return result;
    }

    /// <summary>Takes the paths of a set out of a value, which is changed. Parts of what has one owner stay.</summary>
    public static void Remove(JsonNode? value, FieldSet unwanted, SchemaNode? schema)
    {
        switch (MergeShape.Of(schema, value), value)
        {
            case (Shape.Members, JsonObject members):
                foreach (var name in members.Select(member => member.Key).ToList())
                {
                    if (unwanted.Find(FieldPath.Member(name)) is not { } at)
                        continue;
                    if (at.IsMember)
                        members.Remove(name);
                    else
                        Remove(members[name], at, MergeShape.Member(schema, name));
                }

                break;
            case (Shape.Elements, JsonArray list):
                var elements = MergeShape.Elements(list, schema!).Select(entry => entry.Element).ToList();
                for (var i = elements.Count - 1; i >= 0; i--)
                {
                    if (unwanted.Find(elements[i]) is not { } at)
                        continue;
                    if (at.IsMember)
                        list.RemoveAt(i);
                    else
                        Remove(list[i], at, schema!.Items);
                }

                break;
        }
    }
}
