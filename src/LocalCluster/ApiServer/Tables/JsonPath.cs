using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Tables;

/// <summary>
/// The JSONPath of printer columns: <c>.a.b</c>, <c>['a']</c>, <c>[0]</c>, <c>[*]</c> and <c>[?(@.type=="Ready")]</c>. A path that
/// leads nowhere reads nothing.
/// </summary>
static class JsonPath
{
    public static List<JsonNode?> Read(JsonNode root, string path)
    {
        var nodes = new List<JsonNode?> { root };
        var at = 0;
        while (at < path.Length && nodes.Count > 0)
        {
            if (path[at] == '[')
            {
                var close = FindClose(path, at);
                nodes = Bracket(nodes, path[(at + 1)..close].Trim());
                at = close + 1;
            }
            else if (path[at] is '.' or '$')
            {
                at++;
            }
            else
            {
                var name = ReadName(path, ref at);
                nodes = name == "*" ? All(nodes) : [.. nodes.SelectMany(node => Member(node, name))];
            }
        }

        return nodes;
    }

    /// <summary>Null when the path is one that <see cref="Read"/> understands, otherwise the problem.</summary>
    public static string? Problem(string path)
    {
        if (!path.StartsWith('.'))
            return "must be a simple json path starting with '.'";
        var depth = 0;
        foreach (var c in path)
            depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        return depth == 0 ? null : "brackets do not match";
    }

    static string ReadName(string path, ref int at)
    {
        var name = new System.Text.StringBuilder();
        while (at < path.Length && path[at] is not ('.' or '['))
        {
            // A dot inside a key is written \. as kubectl does.
            if (path[at] == '\\' && at + 1 < path.Length)
                at++;
            name.Append(path[at++]);
        }

        return name.ToString();
    }

    static int FindClose(string path, int open)
    {
        var quote = '\0';
        for (var at = open + 1; at < path.Length; at++)
        {
            if (quote != '\0')
                quote = path[at] == quote ? '\0' : quote;
            else if (path[at] is '\'' or '"')
                quote = path[at];
            else if (path[at] == ']')
                return at;
        }

        return path.Length - 1;
    }

    static List<JsonNode?> Bracket(List<JsonNode?> nodes, string inner)
    {
        if (inner == "*")
            return All(nodes);
        if (inner.StartsWith("?(", StringComparison.Ordinal) && inner.EndsWith(')'))
            return Filter(nodes, inner[2..^1]);
        if (inner.Length > 1 && inner[0] is '\'' or '"')
            return [.. nodes.SelectMany(node => Member(node, inner[1..^1]))];
        if (!int.TryParse(inner, out var index))
            return [];
        return [.. nodes.OfType<JsonArray>().Select(list => (list, at: index < 0 ? list.Count + index : index))
            .Where(pair => pair.at >= 0 && pair.at < pair.list.Count).Select(pair => pair.list[pair.at])];
    }

    static List<JsonNode?> Filter(List<JsonNode?> nodes, string condition)
    {
        var negated = condition.Contains("!=", StringComparison.Ordinal);
        var parts = condition.Split(negated ? "!=" : "==", 2);
        if (parts.Length != 2 || !parts[0].Trim().StartsWith('@'))
            return [];
        var (path, wanted) = (parts[0].Trim()[1..], parts[1].Trim().Trim('"', '\''));
        bool Matches(JsonNode? node) => node is not null
            && Read(node, path).Exists(value => (value.AsString() ?? value?.ToJsonString()) == wanted) != negated;
        return [.. nodes.OfType<JsonArray>().SelectMany(list => list).Where(Matches)];
    }

    static List<JsonNode?> All(List<JsonNode?> nodes) => [.. nodes.SelectMany(node => node switch
    {
        JsonArray list => list,
        JsonObject map => map.Select(member => member.Value),
        _ => [],
    })];

    static IEnumerable<JsonNode?> Member(JsonNode? node, string name) =>
        node is JsonObject map && map.TryGetPropertyValue(name, out var value) ? [value] : [];
}
