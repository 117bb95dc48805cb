using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Errors;

/// <summary>A request is answered with a Kubernetes <c>Status</c> of failure.</summary>
sealed class ApiException(int code, string reason, string message, JsonObject? details = null) : Exception(message)
{
    public int Code { get; } = code;
    public string Reason { get; } = reason;
    public JsonObject? Details { get; } = details;

    /// <summary>Metadata of the Status; holds the way to go on with an expired list.</summary>
    public JsonObject Metadata { get; } = [];

    public JsonObject ToStatus()
    {
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = Metadata.DeepClone(),
            ["status"] = "Failure",
            ["message"] = Message,
        };
        if (Reason.Length > 0)
            status["reason"] = Reason;
        if (Details is not null)
            status["details"] = Details.DeepClone();
        status["code"] = Code;
        return status;
    }
}
