using System.Globalization;
using System.Text;

namespace Framelease.Domain.Tasks;

/// <summary>Checks a task's parameters against an engine's list and fills in defaults.</summary>
public static class ParameterCheck
{
    const int ShownCharacters = 60;
    const int ShownComplaints = 8;
    const int LongestComplaint = 4096;
    const int LongestString = 1024;

    /// <param name="Values">Of an enum.</param>
    /// <param name="Minimum">Of an integer; null = no bound.</param>
    /// <param name="Default">In force when the task does not set the parameter; null = left out.</param>
    /// <param name="MaxLength">Of a string, in UTF-16 code units; null = 1024.</param>
    public sealed record Rule(
        string Name, ParameterKind Type, IReadOnlyList<string> Values, long? Minimum, long? Maximum, string? Default, int? MaxLength = null);

    /// <summary>
    /// Exactly one of both is set: the parameters in force, or all complaints (the first 8, at most 4,096 characters) in one message.
    /// </summary>
    public sealed record Result(IReadOnlyDictionary<string, string>? Parameters, string? Complaint);

    /// <param name="given">Parameters of the task, scalars as text.</param>
    public static Result Check(IReadOnlyList<Rule> rules, IReadOnlyDictionary<string, string> given)
    {
        var complaints = new List<string>();
        var result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var unknown in given.Keys.Where(k => rules.All(r => r.Name != k)).Order(StringComparer.Ordinal))
            complaints.Add($"parameters.{Shorten(unknown)}: unknown; this engine takes {Names(rules)}");
        foreach (var rule in rules)
        {
            var set = given.TryGetValue(rule.Name, out var value);
            value ??= rule.Default;
            if (value is null)
                continue;
            var (canonical, complaint) = Canonical(rule, value);
            if (complaint is not null)
                complaints.Add($"parameters.{rule.Name}: {(set ? "" : "the engine's default ")}\"{Shorten(value)}\" {complaint}");
            else
                result[rule.Name] = canonical!;
        }

        return complaints.Count == 0 ? new Result(result, null) : new Result(null, Join(complaints));
    }

    static string Join(IReadOnlyList<string> complaints)
    {
        var more = complaints.Count > ShownComplaints ? $"; and {complaints.Count - ShownComplaints} more" : "";
        var text = string.Join("; ", complaints.Take(ShownComplaints));
        var room = LongestComplaint - more.Length;
        return (text.Length <= room ? text : text[..(room - 1)] + "…") + more;
    }

    static string Names(IReadOnlyList<Rule> rules) => rules.Count == 0 ? "none" : string.Join(", ", rules.Select(r => r.Name));

    static (string? Canonical, string? Complaint) Canonical(Rule rule, string value) => rule.Type switch
    {
        ParameterKind.Integer => !TryInteger(value, out var n)
            ? (null, $"is not an integer; allowed: {Bounds(rule)}")
            : n < rule.Minimum || n > rule.Maximum
                ? (null, $"is out of range; allowed: {Bounds(rule)}")
                : (n.ToString(CultureInfo.InvariantCulture), null),
        ParameterKind.Enum => rule.Values.Contains(value, StringComparer.Ordinal)
            ? (value, null)
            : (null, $"is not allowed; allowed: {string.Join(", ", rule.Values)}"),
        ParameterKind.Boolean => value is "true" or "false" ? (value, null) : (null, "is not a boolean; allowed: \"true\", \"false\""),
        ParameterKind.String => Text(rule, value),
        _ => throw new InvalidOperationException($"parameter kind {rule.Type}"),
    };

    // Lines and tabs are text; what else steers a terminal, or is half a character, is not.
    static (string? Canonical, string? Complaint) Text(Rule rule, string value)
    {
        var longest = rule.MaxLength ?? LongestString;
        if (value.Length > longest)
            return (null, $"is {value.Length} characters long; allowed: {longest}");
        return value.Any(c => char.IsControl(c) && c is not ('\n' or '\t')) || !IsWhole(value)
            ? (null, "is no plain text; allowed: characters, line feeds and tabs")
            : (value, null);
    }

    static bool IsWhole(string value)
    {
        for (var rest = value.AsSpan(); rest.Length > 0;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out var used) is not System.Buffers.OperationStatus.Done)
                return false;
            rest = rest[used..];
        }

        return true;
    }

    // ASCII only. TryParse alone would also take trailing NUL characters.
    static bool TryInteger(string value, out long n)
    {
        n = 0;
        var digits = value.AsSpan().TrimStart("+-");
        return digits.Length > 0 && value.Length - digits.Length <= 1 && digits.IndexOfAnyExceptInRange('0', '9') < 0
            && long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out n);
    }

    static string Bounds(Rule rule) => (rule.Minimum, rule.Maximum) switch
    {
        ({ } min, { } max) => $"{min} to {max}",
        ({ } min, null) => $"{min} or more",
        (null, { } max) => $"{max} or less",
        _ => "any integer",
    };

    // What the user wrote goes into a condition message and onto terminals: bounded, and without what would steer one or hide text in it.
    static string Shorten(string text)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(ShownCharacters))
            shown.Append(IsPlain(rune) ? rune.ToString() : "?");
        return text.EnumerateRunes().Skip(ShownCharacters).Any() ? shown.Append('…').ToString() : shown.ToString();
    }

    static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned);
}

public enum ParameterKind
{
    Integer,
    Enum,
    Boolean,
    String,
}
