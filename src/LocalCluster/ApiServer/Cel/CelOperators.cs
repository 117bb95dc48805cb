using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Cel;

/// <summary>Comparison, membership and arithmetic of values.</summary>
static class CelOperators
{
    public static object? Apply(string symbol, object? left, object? right) => symbol switch
    {
        "==" => Same(left, right),
        "!=" => !Same(left, right),
        "<" => Compare(left, right) < 0,
        "<=" => Compare(left, right) <= 0,
        ">" => Compare(left, right) > 0,
        ">=" => Compare(left, right) >= 0,
        "in" => Contains(right, left),
        _ => Compute(symbol, left, right),
    };

    static bool Same(object? left, object? right) => (left, right) switch
    {
        (long a, double b) => a == b,
        (double a, long b) => a == b,
        (JsonNode a, JsonNode b) => JsonAccess.Same(a, b),
        (List<object?> or JsonArray, List<object?> or JsonArray) => Items(left).SequenceEqual(Items(right), new ByValue()),
        _ => Equals(left, right),
    };

    static int Compare(object? left, object? right) => (left, right) switch
    {
        (long a, long b) => a.CompareTo(b),
        (string a, string b) => string.CompareOrdinal(a, b),
        (bool a, bool b) => a.CompareTo(b),
        (long or double, long or double) => Convert.ToDouble(left).CompareTo(Convert.ToDouble(right)),
        _ => throw CelEvaluator.NoOverload(),
    };

    static bool Contains(object? container, object? item) => container switch
    {
        JsonObject map => item is string key && map.ContainsKey(key),
        JsonArray or List<object?> => Items(container).Any(element => Same(element, item)),
        _ => throw CelEvaluator.NoOverload(),
    };

    static object? Compute(string symbol, object? left, object? right)
    {
        try
        {
            return (symbol, left, right) switch
            {
                ("+", string a, string b) => a + b,
                ("+", long a, long b) => checked(a + b),
                ("-", long a, long b) => checked(a - b),
                ("*", long a, long b) => checked(a * b),
                ("/", long a, long b) => a / b,
                ("%", long a, long b) => a % b,
                ("+", double a, double b) => a + b,
                ("-", double a, double b) => a - b,
                ("*", double a, double b) => a * b,
                ("/", double a, double b) => a / b,
                ("+", JsonArray or List<object?>, JsonArray or List<object?>) => Items(left).Concat(Items(right)).ToList(),
                _ => throw CelEvaluator.NoOverload(),
            };
        }
        catch (ArithmeticException error)
        {
            throw new CelEvaluationException(error is DivideByZeroException ? "division by zero" : "integer overflow");
        }
    }

    static IEnumerable<object?> Items(object? list) => list is JsonArray array ? array.Select(CelEvaluator.FromJson) : (List<object?>)list!;

    sealed class ByValue : IEqualityComparer<object?>
    {
        bool IEqualityComparer<object?>.Equals(object? x, object? y) => Same(x, y);

        public int GetHashCode(object? obj) => 0;
    }
}
