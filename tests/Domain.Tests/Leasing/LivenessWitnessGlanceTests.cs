using Framelease.Domain.Leasing;
using static Framelease.Domain.Leasing.LivenessWitness;

namespace Framelease.Domain.Tests.Leasing;

/// <summary>Glances between looks: cheap, exact about when a sequence was new, and without a say of their own.</summary>
public class LivenessWitnessGlanceTests
{
    const double Timeout = 30;

    readonly LivenessWitness _witness = new();
    double _now = 1_000;
    double _database = 5_000_000;
    double _lastBeat = 5_000_000;
    long _sequence = 1;

    public LivenessWitnessGlanceTests() => Look();

    [Fact]
    public void A_beat_that_a_glance_saw_counts_from_that_glance_and_not_from_the_next_look()
    {
        Glance(0.4).ShouldBeFalse();
        Beat();
        Glance(0.4).ShouldBeFalse();
        var beaten = _database;
        while (!Glance(0.4))
            (_database - beaten).ShouldBeLessThan(Timeout + 0.5);
        (_database - beaten).ShouldBeInRange(Timeout, Timeout + 0.5);
        Look().Silent.ShouldBe(["lease"]);
    }

    [Fact]
    public void What_is_left_of_the_longest_silence_says_when_to_look_next()
    {
        _witness.SoonestSeconds.ShouldBe(Timeout, 0.001);
        Glance(0.4);
        _witness.SoonestSeconds.ShouldBe(Timeout - 0.4, 0.001);
        Beat();
        Glance(0.4);
        _witness.SoonestSeconds.ShouldBe(Timeout, 0.001);
        while (!Glance(0.4))
            _witness.SoonestSeconds.ShouldBeGreaterThan(0);
        _witness.SoonestSeconds.ShouldBe(double.PositiveInfinity, "whose time is over is for the look to judge, and no reason to hurry again");
    }

    [Fact]
    public void No_glance_asks_for_a_look_while_everybody_beats()
    {
        for (var i = 0; i < 1_000; i++)
        {
            if (i % 20 == 0)
                Beat();
            Glance(0.4).ShouldBeFalse();
        }

        Look().Silent.ShouldBeEmpty();
    }

    [Fact]
    public void A_lease_that_attached_between_looks_is_watched_from_the_glance_on()
    {
        var witness = new LivenessWitness();
        witness.Observe(new(_now, _now, _database), []);
        witness.Glance(new(_now + 1, _now + 1, _database + 1), [new Sighting("new", 0, 0, 4)]).ShouldBeFalse();
        for (var second = 2; second < 5; second++)
            witness.Glance(new(_now + second, _now + second, _database + second), []).ShouldBeFalse();
        witness.Glance(new(_now + 5, _now + 5, _database + 5), []).ShouldBeTrue();
        witness.Observe(new(_now + 5, _now + 5, _database + 5), [new Sighting("new", 0, 4, 4)]).Silent.ShouldBe(["new"]);
    }

    [Theory]
    [InlineData(6, 6)]
    [InlineData(0.4, 8)]
    [InlineData(0.4, -8)]
    public void A_blind_glance_asks_for_a_look_which_tells_of_it_and_starts_every_deadline_anew(double seconds, double databaseSeconds)
    {
        for (var i = 0; i < 28; i++)
            Glance(1).ShouldBeFalse();
        Glance(seconds, databaseSeconds).ShouldBeTrue();
        var look = Look(0);
        (look.Blind, look.Silent.Count).ShouldBe((true, 0));
        for (var i = 0; i < 29; i++)
            Glance(1).ShouldBeFalse();
        Glance(1).ShouldBeTrue();
    }

    [Fact]
    public void After_a_failure_a_glance_asks_for_a_look_which_is_blind()
    {
        _witness.Fail();
        Glance(0.4).ShouldBeTrue();
        Look(0).Blind.ShouldBeTrue();
    }

    [Fact]
    public void Without_a_look_before_it_a_glance_asks_for_one() =>
        new LivenessWitness().Glance(new(1, 1, 1), []).ShouldBeTrue();

    [Fact]
    public void A_lease_that_ended_is_forgotten_at_the_next_look()
    {
        _now += 1;
        _database += 1;
        _witness.Observe(new(_now, _now, _database), []);
        for (var i = 0; i < 100; i++)
            Glance(1).ShouldBeFalse();
    }

    // Only who beat since the last glance is in it.
    bool Glance(double seconds, double databaseSeconds = double.NaN)
    {
        var before = _database;
        Pass(seconds, databaseSeconds);
        return _witness.Glance(new(_now, _now, _database), _lastBeat >= before && _lastBeat <= _database ? [Sighting] : []);
    }

    Look Look(double seconds = 0.4)
    {
        Pass(seconds, seconds);
        return _witness.Observe(new(_now, _now, _database), [Sighting]);
    }

    Sighting Sighting => new("lease", _sequence, _database - _lastBeat, Timeout);

    void Beat() => (_sequence, _lastBeat) = (_sequence + 1, _database);

    void Pass(double seconds, double databaseSeconds)
    {
        _now += seconds;
        _database += double.IsNaN(databaseSeconds) ? seconds : databaseSeconds;
    }
}
