namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>A label selector, as far as this platform asks: <c>a=b,c=d</c>.</summary>
sealed record LabelMatch(IReadOnlyList<(string Key, string Value)> All)
{
    public static LabelMatch Of(string? selector) => new(
        [
            .. (selector ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=', 2)).Select(p => (p[0], p[1])),
        ]);

    public bool Matches(KeptObject value) => All.All(l => value.Label(l.Key) == l.Value);
}
