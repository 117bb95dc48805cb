using Framelease.Domain.Leasing;
using static Framelease.Domain.Leasing.MassSilence;

namespace Framelease.Domain.Tests.Leasing;

/// <summary>Beats every 10 s, timeout 30 s; a look every second.</summary>
public class MassSilenceTests
{
    readonly MassSilence _mass = new();
    readonly List<Change> _told = [];
    double _now;

    /// <summary>Looks once; each lease is named with its pool, its node and its silence.</summary>
    string[] Look(params (string Lease, string Pool, string Node, double Silent)[] holders)
    {
        var verdict = _mass.Judge(++_now, [.. holders.Select(h => new Holder(h.Lease, h.Pool, h.Node, h.Silent, 10, 30, h.Silent >= 30))]);
        _told.AddRange(verdict.Told);
        return [.. verdict.Expire];
    }

    [Fact]
    public void One_silent_lease_of_several_expires_at_once() =>
        Look(("a", "p", "n1", 30), ("b", "p", "n2", 1), ("c", "p", "n3", 2)).ShouldBe(["a"]);

    [Fact]
    public void Two_leases_in_all_are_no_mass() => Look(("a", "p", "n1", 30), ("b", "q", "n2", 30)).ShouldBe(["a", "b"]);

    [Fact]
    public void When_all_of_three_fall_silent_within_one_interval_nothing_expires_for_one_more_timeout()
    {
        Look(("a", "p", "n1", 30), ("b", "p", "n1", 25), ("c", "q", "n1", 21)).ShouldBeEmpty();
        _told.ShouldBe([new Change(Everywhere, true, 3)]);
        for (var more = 1; more < 30; more++)
            Look(("a", "p", "n1", 30 + more), ("b", "p", "n1", 25 + more), ("c", "q", "n1", 21 + more)).ShouldBeEmpty();
        Look(("a", "p", "n1", 60), ("b", "p", "n1", 55), ("c", "q", "n1", 51)).ShouldBe(["a", "b", "c"]);
        _told.Count.ShouldBe(1);
    }

    [Fact]
    public void More_than_half_of_a_pool_on_different_nodes_is_a_mass_and_leaves_other_pools_alone()
    {
        Look(("a", "p", "n1", 30), ("b", "p", "n2", 24), ("c", "p", "n3", 1), ("d", "q", "n4", 30), ("e", "q", "n4", 3)).ShouldBe(["d"]);
        _told.ShouldBe([new Change("p", true, 2)]);
    }

    [Fact]
    public void More_than_half_of_a_pool_on_one_node_is_a_dead_node() =>
        Look(("a", "p", "n1", 30), ("b", "p", "n1", 30), ("c", "p", "n2", 1)).ShouldBe(["a", "b"]);

    [Fact]
    public void Whoever_comes_back_lives_and_whoever_does_not_expires_when_the_hold_is_over()
    {
        Look(("a", "p", "n1", 30), ("b", "p", "n2", 30), ("c", "p", "n3", 30)).ShouldBeEmpty();
        for (var more = 1; more < 30; more++)
            Look(("a", "p", "n1", 30 + more), ("b", "p", "n2", 1), ("c", "p", "n3", 1)).ShouldBeEmpty();
        Look(("a", "p", "n1", 60), ("b", "p", "n2", 1), ("c", "p", "n3", 1)).ShouldBe(["a"]);
        _told.ShouldContain(new Change(Everywhere, false, 0));
        _told.ShouldContain(new Change("p", false, 0));
    }

    [Fact]
    public void One_silence_is_held_once()
    {
        for (var more = 0; more < 30; more++)
            Look(("a", "p", "n1", 30 + more), ("b", "p", "n2", 30 + more), ("c", "p", "n3", 30 + more));
        Look(("a", "p", "n1", 60), ("b", "p", "n2", 60), ("c", "p", "n3", 60)).Length.ShouldBe(3);
        Look(("b", "p", "n2", 61), ("c", "p", "n3", 61)).Length.ShouldBe(2);
        _told.Count(t => t.Begins).ShouldBe(2, "once for all, once for the pool");
    }

    [Fact]
    public void After_blindness_every_judgement_starts_anew()
    {
        Look(("a", "p", "n1", 30), ("b", "p", "n2", 30), ("c", "p", "n3", 30)).ShouldBeEmpty();
        _mass.Judge(_now + 600, [], blind: true).Told.ShouldAllBe(t => !t.Begins);
        Look(("a", "p", "n1", 30), ("b", "p", "n2", 1), ("c", "p", "n3", 1)).ShouldBe(["a"]);
    }

    [Fact]
    public void A_beat_that_is_due_is_not_taken_for_silence() =>
        Look(("a", "p", "n1", 30), ("b", "p", "n2", 14), ("c", "p", "n3", 14)).ShouldBe(["a"]);
}
