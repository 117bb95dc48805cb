using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Leases;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Leases;

/// <summary>What a lease asks for, within its pool's bounds and its tenant's rights; or why it may not queue.</summary>
public sealed class LeaseAdmissionTests
{
    static readonly Tenant Acme = TenantOf("acme", TenantTier.Premium);

    static Tenant TenantOf(string name, TenantTier tier, params string[] namespaces) => new()
    {
        Metadata = new ObjectMeta { Name = name },
        Spec = new TenantSpec { Namespaces = namespaces.Length == 0 ? ["default"] : namespaces, Tier = tier },
    };

    static GpuPool Pool(GpuPoolSpec? spec = null) => new() { Metadata = new ObjectMeta { Name = "default" }, Spec = spec ?? new() };

    static (LeaseRequested? Request, string? Reason, string? Message) Check(GpuLeaseSpec spec, GpuPool? pool = null,
        params Tenant[] tenants)
    {
        var lease = new GpuLease
        {
            Metadata = new ObjectMeta { Name = "mine", Namespace = "default", Uid = "uid" },
            Spec = spec with { Pool = "default" },
        };
        var (request, whyNot) = LeaseAdmission.Check(lease, [pool ?? Pool()], tenants.Length == 0 ? [Acme] : tenants);
        (request is null).ShouldBe(whyNot is not null);
        return (request, whyNot?.Reason, whyNot?.Message);
    }

    [Fact]
    public void A_bare_lease_takes_the_pools_values_and_its_namespaces_tenant()
    {
        var request = Check(new GpuLeaseSpec()).Request!;
        request.Terms.ShouldBe(new LeaseTerms(300, 600, 60, 300, new GradeTerms(1800, 3600, 7200, 600, 30), null,
            new DeviceProbeTerms(512, 600, true)));
        request.Claim.ShouldBe(new LeaseClaim("acme", 100, 0, 0));
        request.Holder.ShouldBe("by hand");
    }

    [Fact]
    public void A_lease_without_a_pod_gets_nothing_that_only_a_kubelet_hands_out()
    {
        var pool = Pool(new() { Binding = PoolBinding.DevicePlugin });
        var (_, reason, message) = Check(new GpuLeaseSpec(), pool);
        reason.ShouldBe("BindingNeedsPod");
        message!.ShouldContain("GpuPool \"default\" has binding DevicePlugin");
        message!.ShouldContain("use a pool with binding Static");
        Check(new GpuLeaseSpec { Holder = new LeaseHolder { Kind = "VideoTask", Name = "clip", Uid = "u" } }, pool)
            .Request!.Terms.DevicePlugin.ShouldBe(new DevicePluginTerms("nvidia.com/gpu"));

        var dra = Pool(new() { Binding = PoolBinding.DRA });
        (_, reason, message) = Check(new GpuLeaseSpec(), dra);
        reason.ShouldBe("BindingNeedsPod");
        message!.ShouldContain("has binding DRA: a kubelet gives its devices (DeviceClass gpu.nvidia.com) to pods alone");
        Check(new GpuLeaseSpec { Holder = new LeaseHolder { Kind = "VideoTask", Name = "clip", Uid = "u" } }, dra)
            .Request!.Terms.Dra.ShouldBe(new DraTerms("gpu.nvidia.com", "gpu.nvidia.com", "uuid"));
    }

    [Theory]
    [InlineData(PoolPreset.HighLoad, 600, 1200)]
    [InlineData(PoolPreset.LowLoad, 120, 300)]
    [InlineData(null, 300, 600)]
    public void A_preset_says_what_nobody_else_does(PoolPreset? preset, int wait, int start)
    {
        var pool = Pool() with { Spec = Pool().Spec with { Preset = preset } };
        var terms = Check(new GpuLeaseSpec(), pool).Request!.Terms;
        (terms.MaxWaitSeconds, terms.StartDeadlineSeconds).ShouldBe((wait, start));
        var said = Pool() with { Spec = Pool().Spec with { Preset = preset, StartDeadlineSeconds = 77 } };
        var explicitly = Check(new GpuLeaseSpec { MaxWaitSeconds = 0 }, said).Request!.Terms;
        (explicitly.MaxWaitSeconds, explicitly.StartDeadlineSeconds).ShouldBe((0, 77));
    }

    [Fact]
    public void A_pool_without_auto_recovery_detects_only_and_shared_devices_are_not_probed()
    {
        var terms = Check(new GpuLeaseSpec(), Pool(new GpuPoolSpec { AutoRecovery = false, SlotsPerDevice = 2 })).Request!.Terms;
        (terms.DetectOnly, terms.Probe).ShouldBe((true, null));
    }

    [Fact]
    public void What_a_lease_leaves_open_follows_what_it_asks_for()
    {
        Grades(new GpuLeaseSpec { HardSeconds = 600 }).ShouldBe(new GradeTerms(540, 570, 600, 600, 30));
        Grades(new GpuLeaseSpec { SoftSeconds = 10_000 }).ShouldBe(new GradeTerms(1800, 10_000, 10_030, 600, 30));
        Grades(new GpuLeaseSpec { HeartbeatIntervalSeconds = 400 }).ProgressTimeoutSeconds.ShouldBe(800);
        Grades(new GpuLeaseSpec { SoftSeconds = 0, HardSeconds = 0, WarningSeconds = 0, ProgressTimeoutSeconds = 0 }, Unbounded)
            .ShouldBe(new GradeTerms(0, 0, 0, 0, 30));
        Grades(new GpuLeaseSpec(),
            Pool(new GpuPoolSpec { SoftSeconds = 0, HardSeconds = 0 })).ShouldBe(new GradeTerms(1800, 0, 0, 600, 30));
    }

    static GpuPool Unbounded =>
        Pool(new GpuPoolSpec { Bounds = new LeaseBounds { MaxHardSeconds = int.MaxValue, MaxProgressTimeoutSeconds = int.MaxValue } });

    static GradeTerms Grades(GpuLeaseSpec spec, GpuPool? pool = null) => Check(spec, pool).Request!.Terms.Grades!;

    [Theory]
    [InlineData(7201, 3600, "spec.hardSeconds: 7201 is above 7200")]
    [InlineData(0, 3600, "spec.hardSeconds: 0 (no limit) is above 7200")]
    [InlineData(7200, 7190, "spec.hardSeconds is 7200; allowed: softSeconds (7190) + drainGraceSeconds (30) or more")]
    public void What_the_pool_does_not_allow_or_what_contradicts_itself_is_refused_precisely(int hard, int soft, string message)
    {
        var pool = Pool(new GpuPoolSpec { Bounds = new LeaseBounds { MaxHardSeconds = 7200 } });
        var (_, reason, why) = Check(new GpuLeaseSpec { HardSeconds = hard, SoftSeconds = hard == 0 ? 0 : soft }, pool);
        reason.ShouldBeOneOf("OutOfBounds", "TermsInvalid");
        why!.ShouldStartWith(message);
    }

    [Fact]
    public void A_heartbeat_below_the_pools_least_interval_is_refused()
    {
        var pool = Pool(new GpuPoolSpec { Bounds = new LeaseBounds { MinHeartbeatIntervalSeconds = 10 } });
        var (_, reason, why) = Check(new GpuLeaseSpec { HeartbeatIntervalSeconds = 5 }, pool);
        reason.ShouldBe("OutOfBounds");
        why!.ShouldContain("spec.heartbeatIntervalSeconds: 5 is below 10");
    }

    [Fact]
    public void Only_the_tenants_own_list_binds_a_namespace()
    {
        Check(new GpuLeaseSpec(), null, TenantOf("other", TenantTier.Free, "elsewhere")).Reason.ShouldBe("TenantNotAllowed");
        Check(new GpuLeaseSpec(), null, Acme, TenantOf("second", TenantTier.Pro)).Message!.ShouldContain("several tenants (acme, second)");
    }

    [Fact]
    public void A_boost_above_the_tiers_is_refused()
    {
        Check(new GpuLeaseSpec { PriorityBoost = 20 }).Request!.Claim!.Points().ShouldBe(120);
        Check(new GpuLeaseSpec { PriorityBoost = 21 }).Message!.ShouldBe(
            "spec.priorityBoost: 21 is above 20, the most that tenant \"acme\" (tier Premium) may use");
        var custom = TenantOf("acme", TenantTier.Custom) with { };
        custom = custom with { Spec = custom.Spec with { TierPoints = 70, MaxPriorityBoost = 5 } };
        Check(new GpuLeaseSpec { PriorityBoost = 5, Complexity = 50 }, null, custom).Request!.Claim!.Points().ShouldBe(125);
    }

    [Fact]
    public void A_missing_pool_is_named() =>
        LeaseAdmission.Check(
            new GpuLease { Metadata = new ObjectMeta { Namespace = "default" }, Spec = new GpuLeaseSpec { Pool = "nowhere" } }, [Pool()],
                [Acme])
            .WhyNot!.Reason.ShouldBe("PoolNotFound");

    [Fact]
    public void A_slot_is_freed_by_time_only_in_a_pool_whose_workers_stop_by_themselves()
    {
        LockDelayTerms? Of(GpuPoolSpec pool) => Check(new GpuLeaseSpec(), Pool(pool)).Request!.Terms.LockDelay;
        Of(new GpuPoolSpec
        {
            LockDelaySeconds = 120, OnLostContact = LostContact.Stop,
            StopAfterSeconds = 60
        }).ShouldBe(new LockDelayTerms(60, 120));
        Of(new GpuPoolSpec { LockDelaySeconds = 120, StopAfterSeconds = 60 }).ShouldBeNull();
        Of(new GpuPoolSpec { LockDelaySeconds = 119, OnLostContact = LostContact.Stop, StopAfterSeconds = 60 }).ShouldBeNull();
        LeaseTermsPolicy.ComplaintAbout(new GpuPoolSpec { LockDelaySeconds = 119, OnLostContact = LostContact.Stop, StopAfterSeconds = 60 })
            .ShouldNotBeNull().ShouldContain("twice stopAfterSeconds");
    }
}
