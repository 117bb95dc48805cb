using Framelease.Domain.Leasing;
using static Framelease.Domain.Leasing.MassSilence;

namespace Framelease.Domain.Tests.Leasing;

/// <summary>Beats every 10 s, timeout 30 s; kept for at most 100 s beyond it; a look every second.</summary>
public class MassSilenceTests
{
    readonly MassSilence _mass = new(longestSeconds: 100);
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
    public void When_all_of_three_fall_silent_within_one_interval_each_is_kept_until_its_bound()
    {
        Look(("a", "p", "n1", 30), ("b", "p", "n1", 25), ("c", "q", "n1", 21)).ShouldBeEmpty();
        _told.ShouldBe([new Change(Everywhere, true, 3)]);
        for (var more = 1; more < 100; more++)
            Look(("a", "p", "n1", 30 + more), ("b", "p", "n1", 25 + more), ("c", "q", "n1", 21 + more)).ShouldBeEmpty();
        Look(("a", "p", "n1", 130), ("b", "p", "n1", 125), ("c", "q", "n1", 121)).ShouldBe(["a"]);
        Look(("b", "p", "n1", 130), ("c", "q", "n1", 126)).ShouldBe(["b"]);
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
    public void Whoever_comes_back_lives_and_the_others_have_one_more_timeout_from_then()
    {
        Look(("a", "p", "n1", 30), ("b", "p", "n2", 30), ("c", "p", "n3", 30)).ShouldBeEmpty();
        for (var more = 1; more < 30; more++)
            Look(("a", "p", "n1", 30 + more), ("b", "p", "n2", 30 + more), ("c", "p", "n3", 30 + more)).ShouldBeEmpty();
        for (var more = 30; more < 60; more++)
            Look(("a", "p", "n1", 30 + more), ("b", "p", "n2", 1), ("c", "p", "n3", 1)).ShouldBeEmpty();
        Look(("a", "p", "n1", 90), ("b", "p", "n2", 1), ("c", "p", "n3", 1)).ShouldBe(["a"]);
        _told.ShouldContain(new Change(Everywhere, false, 0));
        _told.ShouldContain(new Change("p", false, 0));
    }

    [Fact]
    public void A_path_that_flaps_keeps_nobody_beyond_the_bound()
    {
        for (var silent = 30; silent < 130; silent++)
        {
            var heard = silent % 40 < 20 ? 1 : 30;
            Look(("a", "p", "n1", silent), ("b", "p", "n2", heard), ("c", "p", "n3", heard)).ShouldNotContain("a");
        }

        Look(("a", "p", "n1", 130), ("b", "p", "n2", 30), ("c", "p", "n3", 30)).ShouldBe(["a"]);
    }

    [Fact]
    public void One_silence_is_told_once()
    {
        for (var more = 0; more < 100; more++)
            Look(("a", "p", "n1", 30 + more), ("b", "p", "n2", 30 + more), ("c", "p", "n3", 30 + more));
        Look(("a", "p", "n1", 130), ("b", "p", "n2", 130), ("c", "p", "n3", 130)).Length.ShouldBe(3);
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
