using System.Globalization;

namespace Framelease.Domain.Tasks;

/// <summary>Checks a task's parameters against an engine's list and fills in defaults.</summary>
public static class ParameterCheck
{
    /// <param name="Type">integer, enum or boolean.</param>
    public sealed record Rule(string Name, ParameterKind Type, IReadOnlyList<string> Values, long? Minimum, long? Maximum, string? Default);

    /// <summary>Exactly one of both is set: the parameters in force, or every complaint in one message.</summary>
    public sealed record Result(IReadOnlyDictionary<string, string>? Parameters, string? Complaint);

    /// <param name="given">Parameters of the task, scalars as text.</param>
    public static Result Check(IReadOnlyList<Rule> rules, IReadOnlyDictionary<string, string> given)
    {
        var complaints = new List<string>();
        var result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var unknown in given.Keys.Where(k => rules.All(r => r.Name != k)).Order(StringComparer.Ordinal))
            complaints.Add($"parameters.{Shorten(unknown)}: unknown; this engine takes {string.Join(", ", rules.Select(r => r.Name))}");
        foreach (var rule in rules)
        {
            var value = given.TryGetValue(rule.Name, out var v) ? v : rule.Default;
            if (value is null)
                continue;
            var (canonical, complaint) = Canonical(rule, value);
            if (complaint is not null)
                complaints.Add($"parameters.{rule.Name}: \"{Shorten(value)}\" {complaint}");
            else
                result[rule.Name] = canonical!;
        }

        return complaints.Count == 0 ? new Result(result, null) : new Result(null, string.Join("; ", complaints.Take(8)));
    }

    static (string? Canonical, string? Complaint) Canonical(Rule rule, string value) => rule.Type switch
    {
        ParameterKind.Integer => !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n)
            ? (null, $"is not an integer; allowed: {Bounds(rule)}")
            : n < rule.Minimum || n > rule.Maximum
                ? (null, $"is out of range; allowed: {Bounds(rule)}")
                : (n.ToString(CultureInfo.InvariantCulture), null),
        ParameterKind.Enum => rule.Values.Contains(value, StringComparer.Ordinal) ? (value, null) : (null, $"is not allowed; allowed: {string.Join(", ", rule.Values)}"),
        ParameterKind.Boolean => value is "true" or "false" ? (value, null) : (null, "is not a boolean; allowed: \"true\", \"false\""),
        _ => throw new InvalidOperationException($"parameter kind {rule.Type}"),
    };

    static string Bounds(Rule rule) => (rule.Minimum, rule.Maximum) switch
    {
        ({ } min, { } max) => $"{min} to {max}",
        ({ } min, null) => $"{min} or more",
        (null, { } max) => $"{max} or less",
        _ => "any integer",
    };

    // What the user wrote goes into a condition message: bounded, and without control characters.
    static string Shorten(string text)
    {
        var clean = new string(text.Take(60).Select(c => char.IsControl(c) ? '?' : c).ToArray());
        return text.Length > 60 ? clean + "…" : clean;
    }
}

public enum ParameterKind
{
    Integer,
    Enum,
    Boolean,
}
