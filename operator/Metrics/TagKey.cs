using System.Globalization;
using System.Runtime.InteropServices;

namespace Framelease.Operator.Metrics;

/// <summary>
/// The tags of a measurement as rendered labels, sorted by name, so that two orders of the same tags are one series.
/// </summary>
static class TagKey
{
    public static string Of(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
            return "";
        var labels = new List<(string Name, string Value)>(tags.Length);
        foreach (var tag in tags)
            labels.Add((MetricNames.Clean(tag.Key), Text(tag.Value)));
        labels.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return MetricNames.Labels(CollectionsMarshal.AsSpan(labels));
    }

    static string Text(object? value) => value switch
    {
        null => "",
        string s => s,
        bool b => b ? "true" : "false",
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
