using System.CommandLine;
using Framelease.Cli.Connecting;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease cancel</c>, <c>suspend</c> and <c>resume</c>: what a person may still want of a task that was created.</summary>
static class SteerCommands
{
    public static Command Cancel(GlobalOptions globals, Shell shell) => Create(
        "cancel", "End tasks for good: workers are told, devices given back; the tasks stay, as Failed, with the reason Cancelled",
        new { cancel = true }, "cancelled", globals, shell);

    public static Command Suspend(GlobalOptions globals, Shell shell) => Create(
        "suspend", "Stop tasks until they are resumed; what ran begins anew then, what is done stays done", new { suspend = true }, "suspended", globals,
        shell);

    public static Command Resume(GlobalOptions globals, Shell shell) => Create(
        "resume", "Let suspended tasks go on", new { suspend = false }, "resumed", globals, shell);

    static Command Create(string verb, string about, object spec, string done, GlobalOptions globals, Shell shell)
    {
        var tasks = new Argument<string[]>("task") { Description = "Names of VideoTasks", Arity = ArgumentArity.OneOrMore };
        var command = new Command(verb, about) { tasks };
        command.SetAction(async (parsed, ct) =>
        {
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var result = ExitCodes.Ok;
            foreach (var name in parsed.GetValue(tasks)!.Select(TaskName.Of))
            {
                try
                {
                    await cluster.Client.PatchAsync<VideoTask>(name, cluster.Namespace, Patch.Merge(new { spec }), ct: ct);
                    shell.Console.Out.WriteLine($"videotask.{ApiGroup.Name}/{name} {done}");
                }
                catch (KubernetesException error) when (!error.IsTransient)
                {
                    // The others are wanted all the same.
                    shell.Console.Error.WriteLine($"framelease: {error.Message}");
                    result = ExitCodes.Failed;
                }
            }

            return result;
        });
        return command;
    }
}

/// <summary>How people name a task: by its name, or as kubectl does, kind/name.</summary>
static class TaskName
{
    public static string Of(string task) => task.Split('/', 2) is [_, var name] ? name : task;
}
