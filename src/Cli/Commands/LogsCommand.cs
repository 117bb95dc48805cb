using System.CommandLine;
using System.Text;
using Framelease.Cli.Connecting;
using Framelease.Cli.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease logs POD|TASK [-f]</c>: a worker's log; for machines without kubectl, and for tasks whose pod's name nobody wants to type.</summary>
static class LogsCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var subject = new Argument<string>("name") { Description = "Name of a VideoTask (its latest attempt), or pod/NAME" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the container ends" };
        var tail = new Option<int?>("--tail") { Description = "Only the last lines", HelpName = "LINES" };
        var command = new Command("logs", "Show a worker's log, by task or pod") { subject, follow, tail };
        command.SetAction(async (parsed, ct) =>
        {
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var pod = await PodAsync(cluster, parsed.GetRequiredValue(subject), ct);
            var options = new LogOptions { Follow = parsed.GetValue(follow), TailLines = parsed.GetValue(tail) };
            var console = shell.Console.Out;
            await CopyAsync(cluster, pod, options, line =>
            {
                console.WriteLine(line);
                console.Flush();
            }, ct);
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Copies line by line, so that lines of several writers never mix.</summary>
    public static async Task CopyAsync(Cluster cluster, string pod, LogOptions options, Action<string> write, CancellationToken ct)
    {
        await using var stream = await cluster.Client.LogsAsync(pod, cluster.Namespace, options, ct);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(ct) is { } line)
            write(line);
    }

    static async Task<string> PodAsync(Cluster cluster, string subject, CancellationToken ct)
    {
        if (subject.Split('/', 2) is [var kind, var name])
        {
            if (kind is "pod" or "pods" or "po")
                return name;
            subject = name;
        }

        var task = await cluster.Client.FindAsync(ResourceRef.Of<VideoTask>(), subject, cluster.Namespace, ct)
            ?? throw new CliException($"videotasks \"{subject}\" not found in namespace {cluster.Namespace} (for a pod: pod/{subject})");
        return TaskView.Of(task).Pod ?? throw new CliException($"{subject}: no attempt of it has a pod yet");
    }
}
