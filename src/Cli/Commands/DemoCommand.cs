using System.CommandLine;
using System.Globalization;
using Framelease.Cli.Connecting;
using Framelease.Cli.Demo;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease demo</c>, called by ./demo: starts a platform of its own, shows it at work, and leaves nothing running.</summary>
static class DemoCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var video = new Argument<string?>("video") { Description = "A video of yours. Default: a test clip of 20 s", Arity = ArgumentArity.ZeroOrOne };
        var keep = new Option<bool>("--keep") { Description = "Leave the platform running, and say how to use it" };
        var samples = new Option<string>("--samples") { Description = "Directory of the sample manifests", Required = true, HelpName = "DIR" };
        var output = new Option<string>("--output-dir") { Description = "Where the output is left", Required = true, HelpName = "DIR" };
        var command = new Command("demo", "Show the platform at work") { video, keep, samples, output };
        command.Hidden = true;
        command.SetAction((parsed, ct) => RunAsync(
            new DemoOptions(
                parsed.GetValue(video) is { } path ? Existing(path) : null, parsed.GetValue(keep),
                Path.GetFullPath(parsed.GetRequiredValue(samples)), Path.GetFullPath(parsed.GetRequiredValue(output))),
            shell, ct));
        return command;
    }

    static async Task<int> RunAsync(DemoOptions options, Shell shell, CancellationToken ct)
    {
        var story = new DemoStory(shell.Console, shell.Time);
        // PostgreSQL may run as another user, who has to pass through; what lies inside is closed to others.
        var directory = Directory.CreateTempSubdirectory("framelease-demo-").FullName;
        File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        try
        {
            var (output, events) = await ShowAsync(options, directory, story, shell, ct);
            if (!options.Keep)
                Directory.Delete(directory, recursive: true);
            shell.Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"demo: ok output={output} history={events} seconds={story.Seconds:0}"));
            return ExitCodes.Ok;
        }
        catch (Exception error)
        {
            shell.Console.Error.WriteLine($"demo: failed: {(error is OperationCanceledException ? "interrupted" : error.Message)}");
            shell.Console.Error.WriteLine($"demo: nothing is left running; logs and data are in {directory}");
            return error is OperationCanceledException ? ExitCodes.Interrupted : ExitCodes.Failed;
        }
    }

    static async Task<(string Output, int Events)> ShowAsync(DemoOptions options, string directory, DemoStory story, Shell shell, CancellationToken ct)
    {
        story.Step($"Starting a platform of its own in {directory}");
        var clip = Path.Combine(directory, "clip.mp4");
        var making = new DemoClip(shell).MakeAsync(clip, 20, ct);
        await using var platform = await DemoPlatform.StartAsync(directory, options.Keep, shell, ct);
        await making;
        story.Say($"Kubernetes API and operator serve; export KUBECONFIG={platform.Kubeconfig}");
        using var cluster = Cluster.Connect(platform.Kubeconfig, "default", platform.OperatorUrl, shell);
        var result = await new DemoRun(options, platform, cluster, shell, story, clip).RunAsync(ct);
        if (options.Keep)
        {
            platform.Keep = true;
            story.Step("The platform stays up");
            story.Say($"use it:   export KUBECONFIG={platform.Kubeconfig}");
            story.Say("          kubectl get vt,gl,gp      framelease history clip-again");
            story.Say($"stop it:  framelease down --data-dir {Path.Combine(directory, "data")}");
        }
        else
        {
            story.Step("Stopping the platform");
        }

        return result;
    }

    static string Existing(string video) => File.Exists(video) ? Path.GetFullPath(video) : throw CliException.Usage($"{video}: no such file");
}
