using System.Text.Json.Nodes;
using Framelease.Cli.Tasks;

namespace Framelease.Cli.Tests.Tasks;

static class TaskFixtures
{
    public static TaskView Queued(string message) =>
        new("clip", "u-1", "Queued", "NoFreeSlot", message, Finished: false, Succeeded: false, 1, null, null, null, null, null);

    public static TaskView Running() => TaskView.Of((JsonObject)JsonNode.Parse("""
        {"metadata": {"name": "clip", "uid": "u-1"}, "status": {"phase": "Running", "conditions": [{"type": "Running", "status": "True"}],
         "scenes": [{"index": 0, "attempt": 2, "state": "Attached", "pod": "clip-0-2", "lease": "clip-0-2", "device": "soft-0", "token": 7}]}}
        """)!);

    public static TaskView Failed() => TaskView.Of((JsonObject)JsonNode.Parse("""
        {"metadata": {"name": "clip", "uid": "u-1"}, "status": {"phase": "Failed", "reason": "InputNotFound",
         "conditions": [{"type": "Failed", "status": "True", "reason": "InputNotFound", "message": "no such object: put it there"}]}}
        """)!);

    public static TaskView Succeeded() => TaskView.Of((JsonObject)JsonNode.Parse("""
        {"metadata": {"name": "clip", "uid": "u-1"}, "status": {"phase": "Succeeded", "conditions": [{"type": "Succeeded", "status": "True"}],
         "output": {"uri": "file:///o/out.mp4", "sha256": "ab", "bytes": 5, "videoCodec": "h264"}}}
        """)!);

    public static TaskProgress Progress(int perMille) => new(2, "Running", perMille, 1000, 250_000, 8_000, perMille, null, 0);
}
