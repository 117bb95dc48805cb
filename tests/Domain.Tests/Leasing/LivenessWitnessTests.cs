using Framelease.Domain.Leasing;
using static Framelease.Domain.Leasing.LivenessWitness;

namespace Framelease.Domain.Tests.Leasing;

/// <summary>One leader, one PostgreSQL, one worker, whose clocks are moved by hand; a look every second unless told otherwise.</summary>
public class LivenessWitnessTests
{
    const double Timeout = 30;

    readonly LivenessWitness _witness = new();
    double _now = 1_000;
    double _database = 5_000_000;
    double _lastBeat = 5_000_000;
    long _sequence = 1;
    Look _look = null!;

    void Look(double seconds = 1, double databaseSeconds = double.NaN, double timeout = Timeout, double way = 0)
    {
        _now += seconds;
        _database += double.IsNaN(databaseSeconds) ? seconds : databaseSeconds;
        _look = _witness.Observe(new(_now, _now + way, _database), [new Sighting("lease", _sequence, _database - _lastBeat, timeout)]);
        _now += way;
        _database += way; // the answer is as old as its way back is long
    }

    void Beat() => (_sequence, _lastBeat) = (_sequence + 1, _database);

    /// <summary>Looks every second until the lease is called silent.</summary>
    int SecondsToExpiry(double timeout = Timeout)
    {
        for (var seconds = 1; seconds <= 10_000; seconds++)
        {
            Look(timeout: timeout);
            if (_look.Silent.Count > 0)
                return seconds;
        }

        return -1;
    }

    [Fact]
    public void A_holder_that_beats_is_never_silent()
    {
        for (var second = 0; second < 600; second++)
        {
            Look();
            _look.ShouldSatisfyAllConditions(() => _look.Silent.ShouldBeEmpty(), () => _look.Blind.ShouldBeFalse());
            if (second % 10 == 0)
                Beat();
        }
    }

    [Fact]
    public void A_holder_that_stops_is_silent_after_one_timeout()
    {
        Look();
        Beat();
        Look();
        SecondsToExpiry().ShouldBe((int)Timeout);
        _look.Silent.ShouldBe(["lease"]);
    }

    [Fact]
    public void It_stays_silent_until_a_new_sequence()
    {
        Look();
        SecondsToExpiry();
        Look();
        _look.Silent.ShouldBe(["lease"]);
        Beat();
        Look();
        _look.Silent.ShouldBeEmpty();
        SecondsToExpiry().ShouldBe((int)Timeout);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(86_400)]
    public void The_first_look_after_a_start_never_expires_anybody(double silentBefore)
    {
        _lastBeat = _database - silentBefore;
        Look();
        (_look.Silent.Count, _look.Blind, _look.GapSeconds, _look.DriftSeconds).ShouldBe((0, false, 0, 0));
        SecondsToExpiry().ShouldBe((int)Timeout);
    }

    [Fact]
    public void A_lease_without_any_timeout_is_not_silent_at_first_sight()
    {
        Look(timeout: 0);
        _look.Silent.ShouldBeEmpty();
    }

    [Fact]
    public void PostgreSQL_alone_cannot_call_a_lease_silent()
    {
        Look();
        for (var i = 0; i < 29; i++)
            Look(databaseSeconds: 4); // its clock runs four times too fast, by less than a jump at every look
        (_database - _lastBeat).ShouldBeGreaterThan(Timeout);
        _look.Silent.ShouldBeEmpty();
    }

    [Fact]
    public void Our_own_clock_alone_cannot_either()
    {
        Look();
        for (var i = 0; i < 100; i++)
            Look(databaseSeconds: 0.1);
        _look.Silent.ShouldBeEmpty();
    }

    [Fact]
    public void Both_must_have_reached_the_timeout()
    {
        Look();
        for (var i = 0; i < 57; i++)
            Look(databaseSeconds: 0.5);
        _look.Silent.ShouldBeEmpty();
        Look(databaseSeconds: 0.5);
        _look.Silent.ShouldBe(["lease"]);
    }

    [Theory]
    [InlineData(5.01)]
    [InlineData(30)]
    [InlineData(900)]
    public void After_a_gap_every_deadline_starts_anew(double gap)
    {
        Look();
        for (var i = 0; i < 29; i++)
            Look();
        Look(gap);
        (_look.Blind, _look.Silent.Count).ShouldBe((true, 0));
        _look.GapSeconds.ShouldBe(gap, 0.001);
        SecondsToExpiry().ShouldBe((int)Timeout);
    }

    /// <summary>Found by simulated world 1063: an outage of 2.8 s, and 2.2 s after it a holder expired whom nobody could have heard.</summary>
    [Fact]
    public void After_a_look_that_failed_every_deadline_starts_anew_however_short_the_gap()
    {
        for (var seconds = 0; seconds < Timeout - 2; seconds++)
            Look();
        _witness.Fail();
        Look(seconds: 3);
        _look.Blind.ShouldBeTrue();
        SecondsToExpiry().ShouldBe((int)Timeout);
        Look();
        _look.Blind.ShouldBeFalse("one failure is one blindness");
    }

    /// <summary>
    /// Found by simulated world 6262: the first look after an outage waited 0.9 s for its answer, and a holder expired so much too early, because
    /// that way had counted as silence.
    /// </summary>
    [Fact]
    public void The_way_of_a_look_never_counts_as_silence()
    {
        _witness.Fail();
        Look(way: 0.9);
        SecondsToExpiry().ShouldBe((int)Timeout);
    }

    [Fact]
    public void Slow_answers_alone_are_no_disagreement_of_the_clocks()
    {
        Look();
        Look(way: 4);
        (_look.Blind, _look.DriftSeconds).ShouldBe((false, 0));
        Look(way: 0.1);
        (_look.Blind, _look.DriftSeconds).ShouldBe((false, 0));
    }

    [Fact]
    public void An_answer_that_took_longer_than_the_bound_is_blindness()
    {
        Look();
        for (var i = 0; i < 29; i++)
            Look();
        Look(way: 5.1);
        (_look.Blind, _look.Silent.Count).ShouldBe((true, 0));
        _look.GapSeconds.ShouldBe(5.1, 0.001);
        SecondsToExpiry().ShouldBe((int)Timeout);
    }

    [Fact]
    public void A_gap_within_the_bound_is_not_blindness()
    {
        Look();
        Look(4.9);
        _look.Blind.ShouldBeFalse();
    }

    [Theory]
    [InlineData(600)]
    [InlineData(-600)]
    [InlineData(6)]
    [InlineData(-6)]
    public void A_jump_of_PostgreSQLs_clock_expires_nobody_and_hides_nobody(double jump)
    {
        Look();
        for (var i = 0; i < 20; i++)
            Look();
        Look(databaseSeconds: 1 + jump);
        (_look.Blind, _look.Silent.Count).ShouldBe((true, 0));
        _look.DriftSeconds.ShouldBe(Math.Abs(jump), 0.001);
        SecondsToExpiry().ShouldBe((int)Timeout);
    }

    [Theory]
    [InlineData(600)]
    [InlineData(-600)]
    public void A_holder_that_beats_through_a_jump_lives_on(double jump)
    {
        for (var second = 0; second < 120; second++)
        {
            Look(databaseSeconds: second == 60 ? 1 + jump : 1);
            _look.Silent.ShouldBeEmpty();
            if (second % 10 == 0)
                Beat();
        }
    }

    [Fact]
    public void A_leader_whose_own_clock_stood_still_was_blind()
    {
        Look();
        Look(seconds: 1, databaseSeconds: 61); // suspended for a minute: the monotonic clock did not see it
        _look.Blind.ShouldBeTrue();
        SecondsToExpiry().ShouldBe((int)Timeout);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void Any_change_of_the_sequence_is_a_sign_of_life(int step)
    {
        _sequence = 100;
        Look();
        for (var i = 0; i < 29; i++)
            Look();
        _sequence += step; // lower: a restored database; whose beat it was is not ours to judge
        Look();
        _look.Silent.ShouldBeEmpty();
        SecondsToExpiry().ShouldBe((int)Timeout);
    }

    [Fact]
    public void A_short_stall_of_the_authority_does_not_expire_holders_with_a_shorter_timeout()
    {
        for (var i = 0; i < 10; i++)
        {
            Look(timeout: 3);
            Beat();
        }

        Look(timeout: 3);
        Look(4.9, timeout: 3); // beats found no open door; the first one comes through only after this look
        (_look.Blind, _look.Silent.Count).ShouldBe((false, 0));
        Beat();
        Look(timeout: 3);
        _look.Silent.ShouldBeEmpty();
    }

    [Fact]
    public void A_dead_holder_with_a_short_timeout_is_found_even_by_slow_looks()
    {
        Look(timeout: 2);
        var looks = 0;
        while (looks < 100 && _look.Silent.Count == 0)
        {
            Look(3, timeout: 2);
            looks++;
        }

        looks.ShouldBe(2);
    }

    [Fact]
    public void A_lease_that_ended_is_forgotten()
    {
        Look();
        for (var i = 0; i < 20; i++)
            Look();
        _witness.Observe(new(++_now, _now, ++_database), []);
        SecondsToExpiry().ShouldBe((int)Timeout + 1); // one look to see it again
    }

    [Fact]
    public void Each_lease_is_watched_by_itself()
    {
        Look Both(long a, long b)
        {
            _now++;
            _database++;
            return _witness.Observe(new(_now, _now, _database), [new("a", a, 1_000, 5), new("b", b, 1_000, 20)]);
        }

        for (var i = 0; i < 5; i++)
            Both(1, 1).Silent.ShouldBeEmpty();
        Both(1, 1).Silent.ShouldBe(["a"]);
        Both(2, 1).Silent.ShouldBeEmpty();
        for (var i = 3; i < 16; i++)
            Both(i, 1).Silent.ShouldBeEmpty();
        Both(99, 1).Silent.ShouldBe(["b"]);
    }
}
