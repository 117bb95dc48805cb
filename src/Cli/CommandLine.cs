// The tree of commands, and the one place where errors become a line and an exit code.
using System.CommandLine;
using System.CommandLine.Help;
using Framelease.Cli.Commands;
using Framelease.Kubernetes.Client;

namespace Framelease.Cli;

static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, Shell shell)
    {
        var globals = new GlobalOptions();
        var parsed = Root(globals, shell).Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
        {
            // A word that is no command is the cause, "command is missing" only its effect.
            var problem = parsed.UnmatchedTokens is [var word, ..] ? $"'{word}' is not a command or argument here" : parsed.Errors[0].Message;
            problem = string.Join(' ', problem.Split((char[])[' ', '\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
            shell.Console.Error.WriteLine($"framelease: {problem} (framelease{PathOf(parsed)} --help says more)");
            return ExitCodes.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = shell.Console.Out,
                Error = shell.Console.Error,
                // Long enough for `up` to end its children in order; a second Ctrl-C ends at once. The signals of `lease run` are its command's.
                ProcessTerminationTimeout = LeaseCommand.HandlesSignals(parsed) ? null : TimeSpan.FromSeconds(60),
            });
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception error)
        {
            shell.Console.Error.WriteLine("framelease: " + Explain(error, shell));
            return (error as CliException)?.ExitCode ?? ExitCodes.Failed;
        }
    }

    internal static RootCommand Root(GlobalOptions globals, Shell shell)
    {
        var root = new RootCommand(
            "GPU video work on Kubernetes, and on this machine alone. Start with `framelease up`, then `framelease submit --help`.");
        globals.AddTo(root);
        foreach (var create in (ReadOnlySpan<Func<GlobalOptions, Shell, Command>>)
            [UpCommand.Create, DownCommand.Create, UploadCommand.Create, SubmitCommand.Create, WatchCommand.Create, SteerCommands.Cancel, SteerCommands.Suspend,
                SteerCommands.Resume, DownloadCommand.Create, ListCommands.Tasks, ListCommands.Engines,
                HistoryCommand.Create, LeaseCommand.Create, EventsCommand.Create, ApplyCommand.Create, GetCommand.Create, LogsCommand.Create,
                CrdsCommand.Create, DemoCommand.Create])
            root.Add(create(globals, shell));
        return root;
    }

    static string Explain(Exception error, Shell shell)
    {
        if (shell.Environment("FRAMELEASE_TRACE") is { Length: > 0 })
            return error.ToString();
        return error switch
        {
            CliException or KubernetesException or EventStore.EventStoreException => error.Message,
            ArgumentException or IOException or UnauthorizedAccessException => error.Message,
            _ => $"{error.GetType().Name}: {error.Message} (set FRAMELEASE_TRACE=1 to see where)",
        };
    }

    static string PathOf(ParseResult parsed)
    {
        var names = new List<string>();
        for (var command = parsed.CommandResult; command.Parent is not null; command = (System.CommandLine.Parsing.CommandResult)command.Parent)
            names.Insert(0, " " + command.Command.Name);
        return string.Concat(names);
    }
}
