using System.CommandLine;
using Framelease.Benchmarks.EventStore;
using Framelease.Benchmarks.Kubernetes;
using Framelease.Benchmarks.Leases;
using Framelease.Benchmarks.LocalCluster;
using Framelease.Benchmarks.Platform;
using Framelease.Benchmarks.Reporting;
using Framelease.Cli;
using Framelease.Cli.Demo;
using Framelease.Cli.Terminal;

namespace Framelease.Benchmarks;

static class BenchCommand
{
    static readonly string[] Suites = ["platform", "eventstore", .. EventStoreSuite.Parts, "localcluster", "kubernetes", "leases", .. LeasesSuite.Parts];

    public static async Task<int> RunAsync(string[] args, TimeProvider time, Random random, Func<Guid> newId)
    {
        var suites = new Argument<string[]>("suite") { Arity = ArgumentArity.OneOrMore };
        suites.AcceptOnlyFromAmong(Suites);
        var quick = new Option<bool>("--quick");
        var json = new Option<string?>("--json");
        var programs = new Option<string>("--programs") { Required = true };
        var root = new RootCommand("Measures the built programs beside their rivals") { suites, quick, json, programs };
        var shell = new Shell
        {
            Console = CommandConsole.OfProcess(), Time = time, Random = random, NewId = newId, Environment = Environment.GetEnvironmentVariable,
        };
        root.SetAction(async (parsed, ct) =>
        {
            DemoPlatform.Program = Path.Combine(Path.GetFullPath(parsed.GetRequiredValue(programs)), "framelease");
            var figures = new List<Figure>();
            foreach (var suite in parsed.GetRequiredValue(suites).Distinct(StringComparer.Ordinal))
            {
                shell.Console.Error.WriteLine($"suite {suite}{(parsed.GetValue(quick) ? " (quick)" : "")}");
                figures.AddRange(await RunAsync(suite, shell, parsed.GetValue(quick), ct));
            }

            if (parsed.GetValue(json) is { } file)
                Report.Write(file, figures, parsed.GetValue(quick), time.GetUtcNow());
            return ExitCodes.Ok;
        });
        return await InvokeAsync(root.Parse(args), shell);
    }

    static Task<IReadOnlyList<Figure>> RunAsync(string suite, Shell shell, bool quick, CancellationToken ct) => suite switch
    {
        "platform" => new PlatformSuite(shell, quick, shell.Console.Error.WriteLine).RunAsync(ct),
        _ when suite.Split('/') is ["eventstore", .. var part] =>
            new EventStoreSuite(shell, quick, shell.Console.Error.WriteLine).RunAsync(part is [var only] ? only : null, ct),
        _ when suite.Split('/') is ["leases", .. var part] =>
            new LeasesSuite(shell, Path.GetDirectoryName(DemoPlatform.Program)!, quick, shell.Console.Error.WriteLine)
                .RunAsync(part is [var only] ? only : null, ct),
        "kubernetes" => new KubernetesSuite(shell, Path.GetDirectoryName(DemoPlatform.Program)!, quick, shell.Console.Error.WriteLine).RunAsync(ct),
        "localcluster" => new LocalClusterSuite(shell, Path.GetDirectoryName(DemoPlatform.Program)!, quick).RunAsync(ct),
        _ => throw new InvalidOperationException($"suite {suite} has no program"),
    };

    static async Task<int> InvokeAsync(ParseResult result, Shell shell)
    {
        if (result.Errors.Count > 0)
        {
            shell.Console.Error.WriteLine($"bench: {result.Errors[0].Message.ReplaceLineEndings(" ")} (./bench --help says more)");
            return ExitCodes.Usage;
        }

        try
        {
            return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
        }
        catch (Exception error) when (error is CliException or InvalidOperationException or OperationCanceledException or System.Data.Common.DbException
            or Framelease.Kubernetes.Client.KubernetesException)
        {
            shell.Console.Error.WriteLine($"bench: {error.Message}");
            return ExitCodes.Failed;
        }
    }
}
