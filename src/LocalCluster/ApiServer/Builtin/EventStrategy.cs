using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>Events are one set of objects with two faces: stored as core/v1, served also as events.k8s.io/v1.</summary>
sealed class EventStrategy : ResourceStrategy
{
    static readonly (string Core, string Events)[] Members =
    [
        ("involvedObject", "regarding"),
        ("message", "note"),
        ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"),
        ("count", "deprecatedCount"),
        ("reportingComponent", "reportingController"),
    ];

    public override bool IsServedAsStored(ResourceType type) => type.Group.Length == 0;

    public override void ToServed(JsonObject item, ResourceType type)
    {
        if (type.Group.Length == 0)
            return;
        item["apiVersion"] = type.ApiVersion;
        foreach (var (core, events) in Members)
            Rename(item, core, events);
    }

    public override void ToStored(JsonObject item, ResourceType type)
    {
        if (type.Group.Length == 0)
            return;
        item["apiVersion"] = "v1";
        foreach (var (core, events) in Members)
            Rename(item, events, core);
    }

    static void Rename(JsonObject item, string from, string to)
    {
        if (item[from] is not { } value)
            return;
        item.Remove(from);
        item[to] = value;
    }
}
