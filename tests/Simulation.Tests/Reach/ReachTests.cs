using System.Diagnostics;

namespace Framelease.Simulation.Tests.Reach;

/// <summary>The worlds come to every class with decisions: what they never reach, they do not test.</summary>
public sealed class ReachTests
{
    const int Seeds = 80;

    /// <summary>What no world needs, and why.</summary>
    static readonly Dictionary<string, string> Elsewhere = new(StringComparer.Ordinal)
    {
        ["Framelease.Operator.Leadership.PostgresEpochs"] = "simulated; LedgerContract holds both to the same rules",
        ["Framelease.Operator.WorkerApi.WorkerEndpoints"] = "HTTP in and out; end-to-end tests call it",
        ["Framelease.Operator.WorkerApi.HolderEndpoints"] = "HTTP in and out; end-to-end tests call it",
        ["Framelease.Operator.WorkerApi.NodeEndpoints"] = "HTTP in and out; NodeApiTests call it",
        ["Framelease.Operator.WorkerApi.NodeAuthorizer"] = "who may call; NodeApiTests ask it, on a real API server",
        ["Framelease.Operator.WorkerApi.LogFeed"] = "wakes who waits for an HTTP answer; NodeApiTests and HolderApiTests wait",
        ["Framelease.NodeAgent.AgentOptions"] = "a command line; AgentOptionsTests read it",
        ["Framelease.Operator.Authority.PostgresAuthority"] = "simulated; LedgerContract holds both to the same rules",
    };

    [Fact]
    public async Task Whole_worlds_come_to_every_class_with_decisions()
    {
        // In a process of its own: here, other tests have called the same classes.
        var file = Path.GetTempFileName();
        var start = new ProcessStartInfo(
            "dotnet", ["vstest", typeof(ReachTests).Assembly.Location, "--TestCaseFilter:FullyQualifiedName~Every_seed"])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["FRAMELEASE_SIM_SEED"] = "0", ["FRAMELEASE_SIM_SEEDS"] = $"{Seeds}", ["FRAMELEASE_SIM_WHOLE"] = "1",
                ["FRAMELEASE_SIM_REACHED"] = file, ["FRAMELEASE_SIM_REPORT"] = null,
            },
        };
        using var worlds = Process.Start(start)!;
        var output = await worlds.StandardOutput.ReadToEndAsync();
        await worlds.WaitForExitAsync();
        worlds.ExitCode.ShouldBe(0, output);

        var reached = await File.ReadAllLinesAsync(file);
        File.Delete(file);
        Deciders.All.Count.ShouldBeGreaterThan(40);
        Deciders.All.Except(Elsewhere.Keys).Where(type => !reached.Any(m => m.StartsWith($"{type}.", StringComparison.Ordinal)))
            .ShouldBeEmpty("classes with decisions that no world comes to");
        Elsewhere.Keys.Where(type => reached.Any(m => m.StartsWith($"{type}.", StringComparison.Ordinal)))
            .ShouldBeEmpty("classes that worlds do come to");
    }
}
