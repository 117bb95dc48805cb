using System.Diagnostics;
using System.Globalization;
using Framelease.Domain.Leasing;
using Framelease.Simulation.Tests.Reach;
using Framelease.Simulation.Tests.World;
using Framelease.Simulation.Tests.World.Whole;
using Xunit.Abstractions;

namespace Framelease.Simulation.Tests;

/// <summary>
/// The shipped classes in simulated worlds, one a seed. A failure prints its seed, its fault plan and the last steps; the same seed
/// takes the same steps again: <c>./test simulation --seed X</c>.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    /// <summary>As many as a plain run takes, if they fit into its time.</summary>
    const int DefaultSeeds = 10_000;

    /// <summary>After so many, every decision must have been reached.</summary>
    const int Enough = 1_000;

    static readonly TimeSpan Budget = TimeSpan.FromMinutes(4);

    [Fact]
    public void Every_seed_holds_all_invariants()
    {
        using var reached = Environment.GetEnvironmentVariable("FRAMELEASE_SIM_REACHED") is { Length: > 0 } ? new Reached() : null;
        var first = Number("FRAMELEASE_SIM_SEED", 0);
        var seeds = Number("FRAMELEASE_SIM_SEEDS", Environment.GetEnvironmentVariable("FRAMELEASE_SIM_SEED") is null ? DefaultSeeds : 1);
        // Only worlds with everything that ships.
        var step = Environment.GetEnvironmentVariable("FRAMELEASE_SIM_WHOLE") is { Length: > 0 } ? SimulatedWorld.WholeEvery : 1;
        var isPlain = Environment.GetEnvironmentVariable("FRAMELEASE_SIM_SEEDS") is null && first == 0;
        var run = 0;
        var watch = Stopwatch.StartNew();
        var cpu = Environment.CpuUsage.TotalTime;
        var next = -1;
        var failures = new List<(int Seed, string Text)>();
        var seen = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var steps = 0L;
        void Work()
        {
            while (failures.Count == 0 && !(isPlain && watch.Elapsed > Budget)
                && Interlocked.Increment(ref next) is var turn && turn < seeds)
            {
                var seed = first + (turn * step);
                var (world, failure) = RunOf(seed);
                lock (failures)
                {
                    run++;
                    steps += world.Simulation.Steps;
                    foreach (var (what, count) in world.Invariants.Seen)
                        seen[what] = seen.GetValueOrDefault(what) + count;
                    if (failure is not null)
                        failures.Add((seed, failure));
                }
            }
        }

        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work)).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        var spent = (Environment.CpuUsage.TotalTime - cpu).TotalMinutes;
        Report(string.Create(
            CultureInfo.InvariantCulture,
            $"{run} of {seeds} seeds from {first}, {steps} steps in {watch.Elapsed.TotalSeconds:0.0} s: ")
            + string.Create(CultureInfo.InvariantCulture, $"{run / spent:0} seeds a minute of processor"));
        Report(string.Join(", ", seen.Select(s => $"{s.Key} {s.Value}")));
        reached?.WriteTo(Environment.GetEnvironmentVariable("FRAMELEASE_SIM_REACHED")!);
        if (failures.Count == 0 && run >= Enough)
            NotReached(seen.Keys).ShouldBeEmpty("decisions that no world of these seeds came to");
        failures.OrderBy(f => f.Seed).Select(f => f.Text).ShouldBeEmpty();
    }

    [Fact]
    public void The_same_seed_takes_the_same_steps()
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            var (one, other) = (RunOf(seed).World.Simulation, RunOf(seed).World.Simulation);
            (one.Steps, one.Digest).ShouldBe((other.Steps, other.Digest), $"seed {seed}");
        }
    }

    // Every outcome that the lease's decider has. What is missing here needs what this world does not have yet.
    static IEnumerable<string> NotReached(IEnumerable<string> seen) =>
        typeof(ILeaseEvent).Assembly.GetTypes()
            .Where(t => t is { IsClass: true } && t.IsAssignableTo(typeof(ILeaseEvent))).Select(t => t.Name)
            .Concat(Enum.GetNames<ExpiryCause>().Select(c => $"LeaseExpired {c}"))
            .Concat(Enum.GetNames<DrainCause>().Except([nameof(DrainCause.DeviceDrained)]).Select(c => $"LeaseDrainRequested {c}"))
            .Concat(new[] { FreeProof.ContainersTerminated, FreeProof.NeverAttached, FreeProof.LockDelay }.Select(p => $"SlotFreed {p}"))
            .Except(seen);

    void Report(string line)
    {
        output.WriteLine(line);
        if (Environment.GetEnvironmentVariable("FRAMELEASE_SIM_REPORT") is { } file)
            File.AppendAllLines(file, [line]);
    }

    static (SimulatedWorld World, string? Failure) RunOf(int seed)
    {
        // A test's own context would take the continuations away from the world's processes.
        SynchronizationContext.SetSynchronizationContext(null);
        using var world = SimulatedWorld.Of(seed);
        try
        {
            world.Run();
            if (Environment.GetEnvironmentVariable("FRAMELEASE_SIM_TRACE") is { } file)
                File.WriteAllLines(file, world.Simulation.Trace);
            return (world, null);
        }
        catch (Exception e)
        {
            var kind = (world.IsDetectOnly ? "; detects only" : "")
                + (world is WholeWorld { ByKubelet: true } ? "; devices by kubelet" : "");
            return (world, $"""

                SEED {seed}: {(e is InvariantBrokenException ? e.Message : e)}
                at {world.Simulation.Elapsed.TotalSeconds:0.000} s, step {world.Simulation.Steps}
                nodes {world.Nodes.Count} with {world.SlotsPerNode} slots{kind}; {world.Plan}
                last steps:
                {string.Join(Environment.NewLine, world.Simulation.Trace)}
                replay: ./test simulation --seed {seed}
                """);
        }
    }

    static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : otherwise;
}
