using System.Text.Json.Nodes;
using Framelease.Cli.Terminal;

namespace Framelease.Cli.Tasks;

/// <summary>For programs: one JSON object a line, whenever something changed.</summary>
sealed class JsonDisplay(CommandConsole console) : IWatchDisplay
{
    readonly Dictionary<string, string> _last = new(StringComparer.Ordinal);

    public void Show(TaskView task, TaskProgress? progress)
    {
        var line = new JsonObject
        {
            ["task"] = task.Name,
            ["uid"] = task.Uid,
            ["phase"] = task.Phase,
            ["reason"] = task.Reason,
            ["message"] = task.Message,
            ["attempt"] = task.Attempt,
            ["device"] = task.Device,
            ["token"] = task.Token,
            ["frames"] = progress?.Frames,
            ["totalFrames"] = progress?.TotalFrames,
            ["fpsMillis"] = progress?.FpsMillis,
            ["perMille"] = progress?.PerMille,
            ["output"] = task.Output?.Uri,
            ["scenes"] = task.Scenes,
            ["scenesDone"] = task.ScenesDone,
            ["outputs"] = new JsonArray([.. task.Outputs.Select(o => (JsonNode)o.Uri)]),
        }.ToJsonString();
        if (_last.TryGetValue(task.Uid, out var last) && last == line)
            return;
        _last[task.Uid] = line;
        console.Out.WriteLine(line);
    }

    public void Note(string line) => console.Error.WriteLine(line);

    public void Finish() => console.Out.Flush();
}
