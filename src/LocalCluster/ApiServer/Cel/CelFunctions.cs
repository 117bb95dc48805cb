using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Framelease.LocalCluster.ApiServer.Cel;

/// <summary>The functions and methods that rules may call; a method's target is its first argument.</summary>
static class CelFunctions
{
    static readonly Dictionary<string, int> Arity = new()
    {
        ["size"] = 1,
        ["startsWith"] = 2,
        ["endsWith"] = 2,
        ["contains"] = 2,
        ["matches"] = 2,
        ["int"] = 1,
        ["double"] = 1,
        ["string"] = 1,
    };

    public static bool Has(string name, int arguments) => Arity.TryGetValue(name, out var arity) && arity == arguments;

    public static object? Invoke(string name, IReadOnlyList<object?> arguments) => (name, arguments) switch
    {
        ("size", [string text]) => (long)text.EnumerateRunes().Count(),
        ("size", [JsonArray list]) => (long)list.Count,
        ("size", [List<object?> list]) => (long)list.Count,
        ("size", [JsonObject map]) => (long)map.Count,
        ("startsWith", [string text, string part]) => text.StartsWith(part, StringComparison.Ordinal),
        ("endsWith", [string text, string part]) => text.EndsWith(part, StringComparison.Ordinal),
        ("contains", [string text, string part]) => text.Contains(part, StringComparison.Ordinal),
        ("matches", [string text, string pattern]) => Regex.IsMatch(text, pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant),
        ("int", [long value]) => value,
        ("int", [double value]) => (long)value,
        ("int", [string text]) when long.TryParse(text, out var value) => value,
        ("double", [double value]) => value,
        ("double", [long value]) => (double)value,
        ("string", [string text]) => text,
        ("string", [long value]) => value.ToString(),
        ("string", [bool value]) => value ? "true" : "false",
        _ => throw new CelEvaluationException("no such overload"),
    };
}
