namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>What a resource path names: <c>/apis/{group}/{version}/namespaces/{ns}/{plural}/{name}/{subresource}</c> and its short forms.</summary>
sealed record RequestInfo(string Group, string Version, string Namespace, string Plural, string Name, string Subresource)
{
    /// <summary>Null when the path is not one of a resource.</summary>
    public static RequestInfo? Parse(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < parts.Length; i++)
            parts[i] = Uri.UnescapeDataString(parts[i]);
        return parts switch
        {
            ["api", var version, .. var rest] => ParseResource("", version, rest),
            ["apis", var group, var version, .. var rest] => ParseResource(group, version, rest),
            _ => null,
        };
    }

    static RequestInfo? ParseResource(string group, string version, ReadOnlySpan<string> rest) => rest switch
    {
        [] => null,
        ["namespaces"] => new(group, version, "", "namespaces", "", ""),
        ["namespaces", var name] => new(group, version, "", "namespaces", name, ""),
        ["namespaces", var name, "status" or "finalize"] => new(group, version, "", "namespaces", name, rest[2]),
        ["namespaces", var ns, var plural] => new(group, version, ns, plural, "", ""),
        ["namespaces", var ns, var plural, var name] => new(group, version, ns, plural, name, ""),
        ["namespaces", var ns, var plural, var name, var sub] => new(group, version, ns, plural, name, sub),
        [var plural] => new(group, version, "", plural, "", ""),
        [var plural, var name] => new(group, version, "", plural, name, ""),
        [var plural, var name, var sub] => new(group, version, "", plural, name, sub),
        _ => null,
    };
}
