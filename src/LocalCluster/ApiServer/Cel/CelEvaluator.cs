using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Cel;

/// <summary>A rule met a value that it cannot work with, such as a missing key. The rule counts as failed.</summary>
sealed class CelEvaluationException(string message) : Exception(message);

/// <summary>Evaluates a tree. Values are null, bool, long, double, string, JsonObject (map), JsonArray or List (list).</summary>
sealed class CelEvaluator
{
    // Comprehensions over long lists inside each other must not hold a request for ever.
    const int MaxSteps = 1_000_000;

    readonly Dictionary<string, object?> _names;
    int _steps;

    CelEvaluator(Dictionary<string, object?> names) => _names = names;

    public static object? Evaluate(CelNode tree, JsonNode? self, JsonNode? oldSelf) =>
        new CelEvaluator(new() { ["self"] = FromJson(self), ["oldSelf"] = FromJson(oldSelf) }).Value(tree);

    object? Value(CelNode node)
    {
        if (++_steps > MaxSteps)
            throw new CelEvaluationException("the rule takes too many steps");
        return node switch
        {
            CelNode.Literal literal => literal.Value,
            CelNode.Name name => _names[name.Id],
            CelNode.Select { TestOnly: true } select => Map(select.Target).ContainsKey(select.Field),
            CelNode.Select select => Member(Map(select.Target), select.Field),
            CelNode.Index index => Indexed(Value(index.Target), Value(index.Key)),
            CelNode.Unary { Operator: "!" } not => !Bool(Value(not.Operand)),
            CelNode.Unary minus => Value(minus.Operand) switch
            {
                long value => -value,
                double value => -value,
                _ => throw NoOverload(),
            },
            CelNode.Binary { Operator: "&&" } and => Logical(and, absorbing: false),
            CelNode.Binary { Operator: "||" } or => Logical(or, absorbing: true),
            CelNode.Binary binary => CelOperators.Apply(binary.Operator, Value(binary.Left), Value(binary.Right)),
            CelNode.Conditional conditional => Bool(Value(conditional.Test)) ? Value(conditional.Then) : Value(conditional.Else),
            CelNode.List list => list.Items.Select(Value).ToList(),
            CelNode.Call call => CelFunctions.Invoke(call.Function, [.. call.Arguments.Select(Value)]),
            CelNode.Comprehension comprehension => Comprehend(comprehension),
            _ => throw new CelEvaluationException($"{node.GetType().Name} is not known"),
        };
    }

    /// <summary>One decisive side is enough, even when the other side is an error, in either order.</summary>
    bool Logical(CelNode.Binary node, bool absorbing)
    {
        bool left;
        try
        {
            left = Bool(Value(node.Left));
        }
        catch (CelEvaluationException)
        {
            if (Bool(Value(node.Right)) == absorbing)
                return absorbing;
            throw;
        }

        return left == absorbing ? absorbing : Bool(Value(node.Right));
    }

    object? Comprehend(CelNode.Comprehension node)
    {
        var items = Value(node.Range) switch
        {
            JsonArray list => list.Select(FromJson).ToList(),
            List<object?> list => list,
            JsonObject map => [.. map.Select(member => (object?)member.Key)],
            _ => throw NoOverload(),
        };
        var hadOuter = _names.TryGetValue(node.Variable, out var outer);
        var results = items.ConvertAll(item =>
        {
            _names[node.Variable] = item;
            return Value(node.Body);
        });
        if (hadOuter)
            _names[node.Variable] = outer;
        return node.Macro switch
        {
            "all" => results.TrueForAll(Bool),
            "exists" => results.Exists(Bool),
            "exists_one" => results.Count(Bool) == 1,
            "filter" => items.Where((_, i) => Bool(results[i])).ToList(),
            _ => results,
        };
    }

    JsonObject Map(CelNode node) => Value(node) as JsonObject ?? throw NoOverload();

    static object? Member(JsonObject map, string key) =>
        map.TryGetPropertyValue(key, out var value) ? FromJson(value) : throw new CelEvaluationException($"no such key: {key}");

    static object? Indexed(object? target, object? key) => (target, key) switch
    {
        (JsonArray list, long at) when at >= 0 && at < list.Count => FromJson(list[(int)at]),
        (List<object?> list, long at) when at >= 0 && at < list.Count => list[(int)at],
        (JsonArray or List<object?>, long at) => throw new CelEvaluationException($"index out of bounds: {at}"),
        (JsonObject map, string name) => Member(map, name),
        _ => throw NoOverload(),
    };

    static bool Bool(object? value) => value is bool flag ? flag : throw NoOverload();

    public static CelEvaluationException NoOverload() => new("no such overload");

    public static object? FromJson(JsonNode? node) => node is not JsonValue value ? node : value.GetValueKind() switch
    {
        JsonValueKind.String => value.AsString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        // Boxed apart: a common type of the two branches would turn every integer into a double.
        _ => value.TryGetValue<double>(out var real) ? (object)real : value.AsInteger(),
    };
}
