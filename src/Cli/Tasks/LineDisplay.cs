using Framelease.Cli.Terminal;

namespace Framelease.Cli.Tasks;

/// <summary>For pipes and logs: a line when something changed, and one for about every tenth of the work.</summary>
sealed class LineDisplay(CommandConsole console, TimeProvider time) : IWatchDisplay
{
    readonly Dictionary<string, (string Line, int Tenth)> _last = new(StringComparer.Ordinal);

    public void Show(TaskView task, TaskProgress? progress)
    {
        var line = TaskLine.Of(task);
        var tenth = progress is null ? 0 : (task.Attempt * 100) + (progress.PerMille / 100);
        var last = _last.GetValueOrDefault(task.Uid, ("", 0));
        if (line == last.Item1 && tenth == last.Item2)
            return;
        _last[task.Uid] = (line, tenth);
        if (line != last.Item1)
            Write($"{task.Name}: {line}");
        if (progress is not null && tenth != last.Item2 && progress.Frames > 0)
            Write($"{task.Name}: {progress.PerMille / 10,3} % {progress.Describe()}");
    }

    public void Note(string line) => Write(line);

    public void Finish() => console.Out.Flush();

    void Write(string text) => console.Out.WriteLine($"{Format.Clock(time.GetUtcNow())} {Format.OneLine(text, 400)}");
}

static class TaskLine
{
    /// <summary>Where the task is, in words: <c>Running on node/gpu-0 under token 2 (attempt 1)</c>.</summary>
    public static string Of(TaskView task)
    {
        if (task.Succeeded)
            return $"Succeeded: {string.Join(", ", task.Outputs.Select(o => o.Uri))}";
        if (task.Finished)
            return $"Failed: {task.Reason}: {task.Message}";
        var where = task.Device is null ? "" : $" on {task.Device}" + (task.Token is > 0 ? $" under token {task.Token}" : "");
        var scenes = task.Scenes > 1 ? $", {task.ScenesDone} of {task.Scenes} scenes done" : "";
        var attempt = task.Attempt > 0 ? $" (attempt {task.Attempt}{scenes})" : "";
        var why = task.Reason is null ? "" : $": {task.Reason}" + (task.Phase is "Running" || task.Message is null ? "" : $": {task.Message}");
        return $"{task.Phase}{where}{attempt}{why}";
    }
}
