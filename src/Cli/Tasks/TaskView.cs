using System.Text.Json.Nodes;

namespace Framelease.Cli.Tasks;

/// <summary>What a person wants to know of a VideoTask, from its object; fields of newer versions do no harm.</summary>
sealed record TaskView(
    string Name, string Uid, string Phase, string? Reason, string? Message, bool Finished, bool Succeeded, int Attempt, string? Pod, string? Lease, string? Device,
    long? Token, TaskOutput? Output)
{
    /// <summary>1, unless the task has several.</summary>
    public int Scenes { get; init; } = 1;

    public int ScenesDone { get; init; }

    /// <summary>Of the task, or of its scenes.</summary>
    public IReadOnlyList<TaskOutput> Outputs { get; init; } = [];

    public static TaskView Of(JsonObject task)
    {
        var status = task["status"] as JsonObject;
        var conditions = (status?["conditions"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var scenes = (status?["scenes"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var scene = scenes.Find(s => (string?)s["state"] is "Attached") ?? scenes.Find(s => (string?)s["state"] is "Starting") ?? scenes.FirstOrDefault();
        var output = TaskOutput.Of(status?["output"] as JsonObject);
        var succeeded = IsTrue(conditions, "Succeeded");
        var failed = IsTrue(conditions, "Failed");
        return new TaskView(
            (string?)task["metadata"]?["name"] ?? "",
            (string?)task["metadata"]?["uid"] ?? "",
            (string?)status?["phase"] ?? "Pending",
            (string?)status?["reason"],
            Telling(conditions, failed)?["message"]?.GetValue<string>(),
            succeeded || failed,
            succeeded,
            (int?)scene?["attempt"] ?? 0,
            (string?)scene?["pod"],
            (string?)scene?["lease"],
            (string?)scene?["device"] ?? (string?)status?["device"],
            (long?)scene?["token"] ?? (long?)status?["token"],
            output)
        {
            Scenes = Math.Max(1, scenes.Count),
            ScenesDone = scenes.Count(s => (string?)s["state"] is "Committed"),
            Outputs = output is not null ? [output] : [.. scenes.Select(s => TaskOutput.Of(s["output"] as JsonObject)).OfType<TaskOutput>()],
        };
    }

    // The condition that says why the task is where it is.
    static JsonObject? Telling(List<JsonObject> conditions, bool failed) => failed
        ? Find(conditions, "Failed")
        : conditions.FirstOrDefault(c => (string?)c["type"] is "Accepted" or "Admitted" or "Running" && (string?)c["status"] == "False");

    static JsonObject? Find(List<JsonObject> conditions, string type) => conditions.FirstOrDefault(c => (string?)c["type"] == type);

    static bool IsTrue(List<JsonObject> conditions, string type) => (string?)Find(conditions, type)?["status"] == "True";
}

/// <summary>The committed output, as the status tells it.</summary>
sealed record TaskOutput(
    string Uri, string? Key, string? Sha256, long Bytes, long DurationMillis, string? VideoCodec, string? AudioCodec, string? Resolution, string? Encoder,
    string? EncoderReason)
{
    public static TaskOutput? Of(JsonObject? output) => output is null ? null : new(
        (string?)output["uri"] ?? "", (string?)output["key"], (string?)output["sha256"], (long?)output["bytes"] ?? 0, (long?)output["durationMillis"] ?? 0,
        (string?)output["videoCodec"], (string?)output["audioCodec"], (string?)output["resolution"], (string?)output["encoder"],
        (string?)output["encoderReason"]);
}
