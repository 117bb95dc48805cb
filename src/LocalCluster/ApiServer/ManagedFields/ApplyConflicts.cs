using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>409: other managers own fields that an apply would change. The causes name manager and field, one by one.</summary>
static class ApplyConflicts
{
    public static ApiException Refusal(IEnumerable<(ManagedEntry Entry, FieldSet Fields)> conflicts)
    {
        List<(string Manager, string Path)> all =
            [.. conflicts.SelectMany(conflict => conflict.Fields.Paths().Select(path => (conflict.Entry.Shown, path)))];
        return new ApiException(409, "Conflict", Say(all), new JsonObject
        {
            ["causes"] = new JsonArray([.. all.Select(conflict => new JsonObject
            {
                ["reason"] = "FieldManagerConflict",
                ["message"] = $"conflict with {conflict.Manager}",
                ["field"] = conflict.Path,
            })]),
        });
    }

    static string Say(List<(string Manager, string Path)> all)
    {
        if (all is [var only])
            return $"Apply failed with 1 conflict: conflict with {only.Manager}: {only.Path}";
        var managers = all.GroupBy(conflict => conflict.Manager).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => $"conflicts with {group.Key}:\n{string.Join("\n", group.Select(conflict => $"- {conflict.Path}"))}");
        return $"Apply failed with {all.Count} conflicts: {string.Join("\n", managers)}";
    }
}
