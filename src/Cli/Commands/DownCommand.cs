using System.CommandLine;
using Framelease.Cli.Connecting;
using Framelease.Cli.Up;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease down</c>: stops the platform of a data directory, in order, as Ctrl-C does.</summary>
static class DownCommand
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var dataDir = new UpOptions().DataDir;
        var command = new Command("down", "Stop the platform that `framelease up` started on this machine") { dataDir };
        command.SetAction(async (parsed, ct) =>
        {
            var directory = Path.GetFullPath(parsed.GetValue(dataDir) ?? DataDirectory.Default(shell));
            if (RunningPlatform.Find(directory) is not { } pid)
            {
                shell.Console.Error.WriteLine($"no platform runs on {directory}");
                return ExitCodes.Ok;
            }

            RunningPlatform.Terminate(pid);
            var started = shell.Time.GetTimestamp();
            while (RunningPlatform.Find(directory) is not null)
            {
                if (shell.Time.GetElapsedTime(started) > Patience)
                    throw new CliException($"process {pid} did not end within {Patience.TotalSeconds} s; its logs are in {Path.Combine(directory, "logs")}");
                await Task.Delay(TimeSpan.FromMilliseconds(50), shell.Time, ct);
            }

            shell.Console.Out.WriteLine($"stopped (process {pid})");
            return ExitCodes.Ok;
        });
        return command;
    }
}
