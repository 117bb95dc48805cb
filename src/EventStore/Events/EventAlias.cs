using System.Text.RegularExpressions;

namespace Framelease.EventStore;

/// <summary>The name that Marten gives an event type by default: the class name, split at capitals, lower case, joined by _.</summary>
public static partial class EventAlias
{
    /// <summary><c>JobQueued</c> → <c>job_queued</c>. Generic types have no alias: declare a class of their own.</summary>
    public static string Of(Type type) => type.IsGenericType
        ? throw new ArgumentException($"'{type}' is generic; an event needs a class of its own.", nameof(type))
        : Of(type.Name);

    public static string Of(string className) =>
        WordEnd().Replace(AcronymEnd().Replace(className, "${before} ${word}"), "${before} ${word}").ToLowerInvariant().Replace(' ', '_');

    [GeneratedRegex(@"(?<before>\P{Ll})(?<word>\P{Ll}\p{Ll})", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AcronymEnd();

    [GeneratedRegex(@"(?<before>\p{Ll})(?<word>\P{Ll})", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WordEnd();
}
