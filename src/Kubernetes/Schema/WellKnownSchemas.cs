// Types of the Kubernetes API that our kinds contain, with the bounds that the API gives them.
using System.Text.Json.Nodes;

namespace Framelease.Kubernetes.Schema;

static class WellKnownSchemas
{
    /// <summary>metav1.Condition.</summary>
    public static JsonObject Condition() => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject
        {
            ["type"] = new JsonObject
            {
                ["type"] = "string",
                ["maxLength"] = 316,
                ["pattern"] = "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
            },
            ["status"] = new JsonObject { ["type"] = "string", ["enum"] = new JsonArray("True", "False", "Unknown") },
            ["reason"] = new JsonObject
            {
                ["type"] = "string", ["minLength"] = 1, ["maxLength"] = 1024, ["pattern"] = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
            },
            ["message"] = new JsonObject { ["type"] = "string", ["maxLength"] = 32768 },
            ["lastTransitionTime"] = new JsonObject { ["type"] = "string", ["format"] = "date-time" },
            ["observedGeneration"] = new JsonObject { ["type"] = "integer", ["format"] = "int64", ["minimum"] = 0 },
        },
        ["required"] = new JsonArray("type", "status", "reason", "message", "lastTransitionTime"),
    };
}
