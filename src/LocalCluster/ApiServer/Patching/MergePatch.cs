using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Patching;

/// <summary>RFC 7386: objects merge, null removes, everything else replaces.</summary>
static class MergePatch
{
    public static JsonObject Apply(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
                target.Remove(name);
            else if (value is JsonObject child)
                target[name] = Apply(target[name] as JsonObject is { } existing ? Detach(target, name, existing) : [], child);
            else
                target[name] = value.DeepClone();
        }

        return target;
    }

    static JsonObject Detach(JsonObject parent, string name, JsonObject child)
    {
        parent[name] = null;
        return child;
    }
}
