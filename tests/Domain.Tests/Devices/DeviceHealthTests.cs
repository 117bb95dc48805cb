using Framelease.Domain.Devices;

namespace Framelease.Domain.Tests.Devices;

/// <summary>Healthy → Degraded → Probation → Healthy, or Degraded again for twice as long.</summary>
public class DeviceHealthTests
{
    static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly RecoveryTerms Terms = new(600, true);
    static readonly RecoveryTerms ByPersonOnly = new(600, false);
    static readonly DeviceHealth Healthy = new(new DeviceKey("cluster", "node-1", "GPU-a"));

    static DeviceHealth After(DeviceHealth health, DeviceCommand command, DateTimeOffset? at = null) =>
        Events(health, command).Aggregate(health, (h, e) => h.Evolve(e, at ?? Noon));

    static IReadOnlyList<IDeviceEvent> Events(DeviceHealth health, DeviceCommand command) =>
        DeviceHealthDecider.Decide(health, command).ShouldBeOfType<Decision<IDeviceEvent>.Events>().Items;

    static DeviceCommand.Probed Dirty(DateTimeOffset? granted = null, RecoveryTerms? terms = null) =>
        new("lease-1", granted ?? Noon, "foreign process 7 (python)", true, terms ?? Terms);

    static DeviceCommand.Probed Clean(DateTimeOffset? granted = null, bool isLast = true) =>
        new("lease-2", granted ?? Noon, null, isLast, Terms);

    static DeviceCommand.Recover Recover(double seconds, RecoveryTerms? terms = null) => new(Noon.AddSeconds(seconds), terms ?? Terms);

    [Fact]
    public void A_dirty_probe_degrades_once_however_many_leases_the_device_carried()
    {
        var degraded = Events(Healthy, Dirty()).ShouldHaveSingleItem().ShouldBeOfType<DeviceDegraded>();
        (degraded.By, degraded.Failures, degraded.LeaseUid, degraded.WaitSeconds, degraded.Reason)
            .ShouldBe((DegradedBy.Probe, 1, "lease-1", 600, "foreign process 7 (python)"));
        Events(After(Healthy, Dirty()), Dirty()).ShouldBeEmpty();
    }

    [Fact]
    public void A_clean_probe_says_nothing_new_of_a_healthy_device() => Events(Healthy, Clean()).ShouldBeEmpty();

    [Fact]
    public void It_goes_on_probation_when_its_time_has_come_and_not_before()
    {
        var degraded = After(Healthy, Dirty());
        DeviceHealthDecider.ProbationAt(degraded, Terms).ShouldBe(Noon.AddSeconds(600));
        Events(degraded, Recover(599)).ShouldBeEmpty();
        Events(degraded, Recover(600)).ShouldHaveSingleItem().ShouldBeOfType<DeviceOnProbation>();
    }

    [Fact]
    public void The_first_lease_of_its_probation_that_leaves_it_clean_takes_it_back()
    {
        var probation = After(After(Healthy, Dirty()), Recover(600), Noon.AddSeconds(600));
        Events(probation, Clean(Noon)).ShouldBeEmpty("a lease of before the probation proves nothing for it");
        Events(probation, Clean(Noon.AddSeconds(601), isLast: false)).ShouldBeEmpty("its work may still dirty the device");
        var back = After(probation, Clean(Noon.AddSeconds(601)));
        (back.Fitness, back.Failures, back.Reason).ShouldBe((DeviceFitness.Healthy, 0, null));
    }

    [Fact]
    public void Each_failure_in_a_row_doubles_the_wait_up_to_six_hours()
    {
        var health = Healthy;
        var waits = new List<int?>();
        var at = Noon;
        for (var i = 0; i < 8; i++)
        {
            health = After(health, Dirty(at), at);
            waits.Add(Terms.WaitSeconds(health.Failures));
            at = at.AddDays(1);
            health = After(health, new DeviceCommand.Recover(at, Terms), at);
            health.Fitness.ShouldBe(DeviceFitness.Probation);
        }

        waits.ShouldBe([600, 1200, 2400, 4800, 9600, 19200, 21600, 21600]);
        new RecoveryTerms(86400, true).WaitSeconds(5).ShouldBe(86400);
        new RecoveryTerms(600, true).WaitSeconds(int.MaxValue).ShouldBe(21600);
    }

    [Fact]
    public void Without_auto_recovery_only_a_person_takes_it_back_and_is_named()
    {
        var degraded = After(Healthy, Dirty(terms: ByPersonOnly));
        DeviceHealthDecider.ProbationAt(degraded, ByPersonOnly).ShouldBeNull();
        Events(degraded, Recover(1e8, ByPersonOnly)).ShouldBeEmpty();
        var back = Events(degraded, new DeviceCommand.ReturnByPerson("anna", "swapped the riser"))
            .ShouldHaveSingleItem().ShouldBeOfType<DeviceReturned>();
        (back.Proof, back.Evidence).ShouldBe(("PersonSaysFit", "anna: swapped the riser"));
        DeviceHealthDecider.Decide(Healthy, new DeviceCommand.ReturnByPerson("anna", "x"))
            .ShouldBeOfType<Decision<IDeviceEvent>.Refused>().Reason.ShouldBe("NotDegraded");
    }

    [Fact]
    public void A_nodes_word_comes_and_goes_with_the_node()
    {
        var unfit = After(Healthy, new DeviceCommand.NodeSays("Xid 79", Terms));
        (unfit.Fitness, unfit.By, unfit.Reason).ShouldBe((DeviceFitness.Degraded, DegradedBy.Node, "Xid 79"));
        Events(unfit, new DeviceCommand.NodeSays("Xid 48", Terms)).ShouldBeEmpty();
        Events(unfit, Recover(1e8)).ShouldBeEmpty();
        Events(unfit, Dirty()).ShouldBeEmpty();
        Events(unfit, new DeviceCommand.NodeSays(null, ByPersonOnly)).ShouldBeEmpty();
        After(unfit, new DeviceCommand.NodeSays(null, Terms)).Fitness.ShouldBe(DeviceFitness.Healthy);
    }

    [Fact]
    public void A_device_that_failed_probes_before_its_node_spoke_is_tried_again_after_it()
    {
        var both = After(After(Healthy, Dirty()), new DeviceCommand.NodeSays("Xid 79", Terms));
        (both.By, both.Failures).ShouldBe((DegradedBy.Node, 1));
        Events(both, Recover(1e8)).ShouldBeEmpty();
        After(both, new DeviceCommand.NodeSays(null, Terms)).Fitness.ShouldBe(DeviceFitness.Probation);
    }

    [Fact]
    public void Random_histories_never_leave_the_three_states_and_a_repeat_changes_nothing()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var chance = new Random(seed);
            var (health, at) = (Healthy, Noon);
            for (var step = 0; step < 60; step++)
            {
                at = at.AddSeconds(chance.Next(2000));
                var terms = chance.Next(5) == 0 ? ByPersonOnly : Terms;
                DeviceCommand command = chance.Next(6) switch
                {
                    0 => new DeviceCommand.NodeSays("Xid 79", terms),
                    1 => new DeviceCommand.NodeSays(null, terms),
                    2 => new DeviceCommand.Probed("l", at, "dirty", true, terms),
                    3 => new DeviceCommand.Probed("l", at, null, chance.Next(2) == 0, terms),
                    4 => new DeviceCommand.ReturnByPerson("anna", "x"),
                    _ => new DeviceCommand.Recover(at, terms),
                };
                var before = health;
                if (DeviceHealthDecider.Decide(health, command) is Decision<IDeviceEvent>.Events { Items: [var e] })
                    health = health.Evolve(e, at);
                (before.Fitness, health.Fitness).ShouldNotBe((DeviceFitness.Healthy, DeviceFitness.Probation), $"seed {seed}");
                if (health != before && command is DeviceCommand.NodeSays or DeviceCommand.Recover)
                    Events(health, command).ShouldBeEmpty($"seed {seed}: {command} twice");
            }
        }
    }
}
