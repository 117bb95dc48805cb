using Framelease.Domain.Tasks;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Tasks;

/// <summary>
/// What an input names, as the worker will be told: a key, a URI, or the output of another task once that is there. A pure function of the spec and of the
/// tasks that it names.
/// </summary>
static class TaskInputs
{
    /// <summary>A spec that waits for its input says so with one of these; the end of the other task wakes it.</summary>
    public static readonly IReadOnlySet<string> WaitReasons = new HashSet<string>(StringComparer.Ordinal) { "TaskNotFound", "WaitingForTask" };

    /// <summary>Names of tasks of the same namespace, whose outputs are wanted; each once.</summary>
    public static IReadOnlyList<string> TasksIn(VideoTaskSpec spec) =>
    [
        .. (spec.Scenes ?? []).Select(s => s.Input).Append(spec.Input).Select(i => i?.Task).OfType<string>().Distinct(StringComparer.Ordinal),
    ];

    /// <param name="path">Where the input is in the spec.</param>
    /// <param name="roots">Directories under which file:// inputs may lie.</param>
    /// <param name="known">Tasks that are named, as the log tells them; absent ones it does not know.</param>
    /// <returns>Exactly one of both.</returns>
    public static (TaskInput? Input, TaskAcceptance.Outcome? Complaint) Resolve(
        VideoInput input, string path, IReadOnlyList<string> roots, IReadOnlyDictionary<string, TaskState> known)
    {
        if (new[] { input.Object, input.Uri, input.Task }.Count(i => i is not null) != 1)
            return (null, Refused("InputInvalid", $"{path}: exactly one of object, uri and task must be set"));
        if (input.Task is { } task)
            return OutputOf(task, input.Scene, path, known);
        var complaint = input.Object is { } key ? ComplaintAboutKey(key, path) : ComplaintAboutUri(input.Uri!, path, roots);
        return complaint is null ? (new TaskInput(input.Object, input.Uri), null) : (null, complaint);
    }

    static (TaskInput?, TaskAcceptance.Outcome?) OutputOf(string task, int? scene, string path, IReadOnlyDictionary<string, TaskState> known)
    {
        if (!known.TryGetValue(task, out var state))
            return (null, Waits("TaskNotFound", $"{path}.task: no VideoTask \"{task}\" of this namespace was accepted yet; it begins when that has succeeded"));
        if (state is { IsEnded: true, Phase: not TaskPhase.Succeeded })
            return (null, Refused("InputTaskFailed", $"{path}.task: \"{task}\" has no output, it is {state.Phase}: {state.EndReason}: {state.EndMessage}"));
        if (!state.IsEnded)
            return (null, Waits("WaitingForTask", $"{path}.task: \"{task}\" has not ended yet"));
        var output = scene is { } number ? state.Scenes.GetValueOrDefault(number)?.Result?.Key : state.Output?.Key;
        if (output is not null)
            return (new TaskInput(output, null) { TaskUid = state.Accepted?.TaskUid }, null);
        return (null, Refused(
            "InputInvalid",
            $"{path}.scene: \"{task}\" has {state.Scenes.Count} scenes, 0 to {state.Scenes.Count - 1}; {(scene is null ? "say which" : $"there is no {scene}")}"));
    }

    static TaskAcceptance.Outcome.Refused? ComplaintAboutKey(string key, string path) =>
        key.StartsWith('/') || key.Split('/').Any(s => s is "" or "." or "..") || key.Any(char.IsControl)
            ? Refused("InputInvalid", $"{path}.object: a key has no empty, \".\" or \"..\" segment, no leading slash and no control character")
            : null;

    static TaskAcceptance.Outcome.Refused? ComplaintAboutUri(string text, string path, IReadOnlyList<string> roots)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("file" or "http" or "https"))
            return Refused("InputInvalid", $"{path}.uri: allowed are file://, http:// and https://; for the object store use {path}.object");
        if (uri.Scheme is not "file")
            return null;
        if (roots.Count == 0)
            return Refused("InputNotAllowed", $"{path}.uri: file:// is not allowed here; start the platform with --input-root DIR, or use {path}.object");
        var file = Path.GetFullPath(uri.LocalPath);
        return uri.Host.Length > 0 || !roots.Any(r => file.StartsWith(
            Path.TrimEndingDirectorySeparator(Path.GetFullPath(r)) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            ? Refused("InputNotAllowed", $"{path}.uri: {file} is outside the allowed roots ({string.Join(", ", roots)})")
            : null;
    }

    static TaskAcceptance.Outcome.Refused Refused(string reason, string message) => new(reason, message);

    static TaskAcceptance.Outcome.Waits Waits(string reason, string message) => new(new Obstacle(reason, message));
}
