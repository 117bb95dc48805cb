using Framelease.Simulation.Tests.World;
using Framelease.Simulation.Tests.World.Whole;

namespace Framelease.Simulation.Tests;

/// <summary>
/// Blindness is not failure (R5), for a quarter of an hour: workers and programs that beat every 2 s, with a timeout of 10 s, hold all slots
/// while a part of the platform is away. Nobody is killed and nothing expires, meanwhile and on its return.
/// </summary>
public sealed class OutageTests
{
    /// <summary>Whole worlds, none of which detects only or has its devices by kubelet.</summary>
    static readonly int[] Seeds = [20, 40, 80, 100, 120];

    [Fact]
    public void Nothing_expires_while_both_replicas_of_the_operator_stand_still_nor_when_they_go_on() => Holds(FaultKind.Pause);

    [Fact]
    public void Nothing_expires_while_the_database_is_away_nor_when_it_is_back() => Holds(FaultKind.DatabaseDown);

    [Fact]
    public void Nothing_expires_while_the_API_server_is_away_nor_when_it_is_back() => Holds(FaultKind.ApiDown);

    [Fact]
    public void Nothing_expires_while_the_path_to_all_nodes_of_a_pool_is_cut_nor_when_it_is_whole_again() => Holds(FaultKind.CutNode);

    static void Holds(FaultKind kind)
    {
        // A test's own context would take the continuations away from the world's processes.
        SynchronizationContext.SetSynchronizationContext(null);
        foreach (var seed in Seeds)
        {
            using var world = new WholeWorld(seed, kind);
            world.Run();
            var seen = world.Invariants.Seen;
            var why = $"seed {seed}: {string.Join(", ", seen.Select(s => $"{s.Key} {s.Value}"))}";
            (seen.GetValueOrDefault("LeaseAttached"), seen.GetValueOrDefault("LeaseReleased")).ShouldBe((4, 4), why);
            seen.Keys.Where(k => k.StartsWith("LeaseExpired", StringComparison.Ordinal) || k is "LeaseRevoked" or "SlotQuarantined")
                .ShouldBeEmpty(why);
            (world.Simulation.Elapsed > TimeSpan.FromMinutes(20)).ShouldBeTrue(why);
        }
    }
}
