using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Tables;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>STATUS, ROLES and VERSION of nodes; addresses and system with <c>-o wide</c>.</summary>
static class NodeRows
{
    const string RolePrefix = "node-role.kubernetes.io/";

    public static readonly BuiltinRows Rows = new(
        [
            TableWriter.Name, new("Status", "string", ""), new("Roles", "string", ""), new("Age", "string", ""), new("Version", "string", ""),
            new("Internal-IP", "string", "", Priority: 1), new("External-IP", "string", "", Priority: 1), new("OS-Image", "string", "", Priority: 1),
            new("Kernel-Version", "string", "", Priority: 1), new("Container-Runtime", "string", "", Priority: 1),
        ],
        Cells);

    static IEnumerable<JsonNode?> Cells(JsonObject node, DateTimeOffset now)
    {
        var info = node.Obj("status").Obj("nodeInfo");
        var roles = (node.Obj("metadata").Obj("labels") ?? []).Select(label => label.Key)
            .Where(key => key.StartsWith(RolePrefix, StringComparison.Ordinal)).Select(key => key[RolePrefix.Length..]).Order().ToList();
        return
        [
            node.NameOf(), Status(node), roles.Count == 0 ? "<none>" : string.Join(',', roles), BuiltinRows.AgeOf(node, now), info.Str("kubeletVersion"),
            Address(node, "InternalIP"), Address(node, "ExternalIP"), info.Str("osImage") ?? "<unknown>", info.Str("kernelVersion") ?? "<unknown>",
            info.Str("containerRuntimeVersion") ?? "<unknown>",
        ];
    }

    static string Status(JsonObject node)
    {
        var ready = (node.Obj("status").Arr("conditions") ?? []).FirstOrDefault(condition => condition.Str("type") == "Ready").Str("status");
        var shown = ready switch { "True" => "Ready", null => "Unknown", _ => "NotReady" };
        return node.Obj("spec").Bool("unschedulable") == true ? $"{shown},SchedulingDisabled" : shown;
    }

    static string Address(JsonObject node, string type) =>
        (node.Obj("status").Arr("addresses") ?? []).FirstOrDefault(address => address.Str("type") == type).Str("address") ?? "<none>";
}
