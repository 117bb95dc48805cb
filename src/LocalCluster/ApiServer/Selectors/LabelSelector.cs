using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Selectors;

/// <summary>A parsed <c>labelSelector</c>: all of its requirements must hold.</summary>
sealed record LabelSelector(IReadOnlyList<LabelRequirement> Requirements)
{
    public static readonly LabelSelector Everything = new([]);

    public bool Matches(ObjectHeader header)
    {
        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(header.Label(requirement.Key)))
                return false;
        }

        return true;
    }

    /// <summary>Reads <c>a=b,c!=d,e in (f,g),h notin (i),j,!k</c>.</summary>
    public static LabelSelector Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return Everything;
        var requirements = new List<LabelRequirement>();
        foreach (var part in SplitOutsideParentheses(text))
            requirements.Add(ParseRequirement(part.Trim(), text));
        return new LabelSelector(requirements);
    }

    static LabelRequirement ParseRequirement(string part, string whole)
    {
        if (part.StartsWith('!'))
            return Checked(new(part[1..].Trim(), LabelOperator.Absent, []), whole);
        if (part.EndsWith(')') && part.IndexOf('(') is var open and > 0)
        {
            var words = part[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var values = part[(open + 1)..^1].Split(',').Select(value => value.Trim()).ToArray();
            if (words is [var key, "in" or "notin"])
                return Checked(new(key, words[1] == "in" ? LabelOperator.In : LabelOperator.NotIn, values), whole);
            throw Unparsable(whole);
        }

        var (at, length, negated) = part.IndexOf("!=", StringComparison.Ordinal) is var unequal and >= 0 ? (unequal, 2, true)
            : part.IndexOf("==", StringComparison.Ordinal) is var twice and >= 0 ? (twice, 2, false)
            : (part.IndexOf('='), 1, false);
        return at < 0
            ? Checked(new(part, LabelOperator.Present, []), whole)
            : Checked(new(part[..at].Trim(), negated ? LabelOperator.NotIn : LabelOperator.In, [part[(at + length)..].Trim()]), whole);
    }

    static LabelRequirement Checked(LabelRequirement requirement, string whole)
    {
        if (Names.QualifiedNameProblem(requirement.Key) is { } problem)
            throw ApiErrors.BadRequest($"unable to parse requirement: <nil>: Invalid value: \"{requirement.Key}\": {problem}");
        foreach (var value in requirement.Values)
        {
            if (Names.LabelValueProblem(value) is { } valueProblem)
                throw ApiErrors.BadRequest($"unable to parse requirement: values: Invalid value: \"{value}\": {valueProblem} (in {whole})");
        }

        return requirement;
    }

    static IEnumerable<string> SplitOutsideParentheses(string text)
    {
        var (depth, start) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
            if (text[i] != ',' || depth != 0)
                continue;
            yield return text[start..i];
            start = i + 1;
        }

        yield return text[start..];
    }

    static ApiException Unparsable(string text) => ApiErrors.BadRequest($"unable to parse requirement: found '{text}', expected a label selector");
}

enum LabelOperator
{
    In,
    NotIn,
    Present,
    Absent,
}

sealed record LabelRequirement(string Key, LabelOperator Operator, string[] Values)
{
    public bool Matches(string? value) => Operator switch
    {
        LabelOperator.In => value is not null && Values.Contains(value),
        LabelOperator.NotIn => value is null || !Values.Contains(value),
        LabelOperator.Present => value is not null,
        _ => value is null,
    };
}
