using System.CommandLine;
using Framelease.Cli.Connecting;
using Framelease.Cli.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease watch TASK…</c>: bars on a terminal, plain lines in a pipe, one JSON object a line with <c>--output json</c>.</summary>
static class WatchCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var tasks = new Argument<string[]>("task") { Description = "Names of VideoTasks. Default: all that have not ended", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("watch", "Follow tasks until they end: 0 if all succeeded, 1 if one failed") { tasks };
        command.SetAction(async (parsed, ct) =>
        {
            using var cluster = Cluster.Connect(globals, parsed, shell);
            IReadOnlyList<string> names = parsed.GetValue(tasks) is { Length: > 0 } given ? [.. given.Select(TaskName.Of)] : await UnfinishedAsync(cluster, ct);
            if (names.Count == 0)
            {
                shell.Console.Error.WriteLine($"no unfinished task in namespace {cluster.Namespace}");
                return ExitCodes.Ok;
            }

            return await new TaskWatch(cluster, shell, globals.Json(parsed)).RunAsync(names, ct);
        });
        return command;
    }

    static async Task<IReadOnlyList<string>> UnfinishedAsync(Cluster cluster, CancellationToken ct)
    {
        var list = await cluster.Client.ListAsync(ResourceRef.Of<VideoTask>(), cluster.Namespace, ct: ct);
        return [.. list.Items.Select(TaskView.Of).Where(view => !view.Finished).Select(view => view.Name)];
    }
}
