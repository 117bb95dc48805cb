using Framelease.Domain.Leasing;
using Framelease.Operator.Pools;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Leases;

/// <summary>
/// The terms of a lease: what it asks for, within the pool's bounds, and the pool's values for the rest. What is not asked for follows what
/// is: a lease that names only a shorter hard limit gets a soft one that fits below it. Pure.
/// </summary>
static class LeaseTermsPolicy
{
    static readonly (int MaxWait, int StartDeadline) Usual = (300, 600);

    // The source's waits and lock times. Its polling intervals (0.2 and 1.0 s) have no meaning here: nobody polls.
    static readonly Dictionary<PoolPreset, (int MaxWait, int StartDeadline)> Presets = new()
    {
        [PoolPreset.HighLoad] = (600, 1200),
        [PoolPreset.LowLoad] = (120, 300),
    };

    const int DefaultResidual = 512;

    /// <returns>The terms, or what is wrong and how to mend it; exactly one of both.</returns>
    /// <param name="at">Where in the object's spec the values stand, for messages.</param>
    public static (LeaseTerms? Terms, Obstacle? WhyNot) Of(GpuLeaseSpec lease, GpuPool? pool, string at = "spec")
    {
        var p = pool?.Spec ?? new GpuPoolSpec();
        if (pool is not null && BeyondBounds(lease, pool, at) is { } beyond)
            return (null, new Obstacle("OutOfBounds", beyond));
        var preset = Presets.GetValueOrDefault(p.Preset ?? default, Usual);
        var interval = lease.HeartbeatIntervalSeconds ?? p.HeartbeatIntervalSeconds ?? 60;
        var terms = new LeaseTerms(
            lease.MaxWaitSeconds ?? preset.MaxWait,
            lease.StartDeadlineSeconds ?? p.StartDeadlineSeconds ?? preset.StartDeadline,
            interval,
            lease.HeartbeatTimeoutSeconds ?? Math.Max(2 * interval, p.HeartbeatTimeoutSeconds ?? 300),
            Grades(lease, p, interval),
            LockDelay(p),
            pool is null ? null : Probe(p),
            pool?.Spec.AutoRecovery is false ? true : null,
            PluginDevices.TermsOf(p),
            DraDevices.TermsOf(p));
        return terms.Complaint() is { } complaint ? (null, new Obstacle("TermsInvalid", $"{at}.{complaint}")) : (terms, null);
    }

    /// <returns>What makes the pool's own values useless; null when they can be kept.</returns>
    public static string? ComplaintAbout(GpuPoolSpec pool) =>
        Of(new GpuLeaseSpec(), new GpuPool { Spec = pool }).WhyNot?.Message ?? (LockDelay(pool) is null
            && pool.LockDelaySeconds is { } delay
            ? $"spec.lockDelaySeconds: {delay} needs onLostContact Stop and at least twice stopAfterSeconds; slots are not freed by time"
            : null);

    static GradeTerms Grades(GpuLeaseSpec lease, GpuPoolSpec pool, int interval)
    {
        var grace = pool.DrainGraceSeconds ?? 30;
        var hard = lease.HardSeconds ?? (lease.SoftSeconds is 0 ? 0
            : Math.Max(pool.HardSeconds ?? 7200, lease.SoftSeconds is { } asked && pool.HardSeconds is not 0 ? asked + grace : 0));
        var soft = lease.SoftSeconds ?? (hard == 0 ? 0 : Math.Clamp(pool.SoftSeconds ?? 3600, 1, Math.Max(1, hard - grace)));
        var warning = pool.WarningSeconds ?? 1800;
        if (soft > 0 && warning > soft - grace)
            warning = Math.Max(0, soft - grace);
        var progress = pool.ProgressTimeoutSeconds ?? 600;
        return new GradeTerms(
            lease.WarningSeconds ?? warning, soft, hard,
                lease.ProgressTimeoutSeconds ?? (progress == 0 ? 0 : Math.Max(2 * interval, progress)), grace);
    }

    // Only a pool whose workers stop by themselves frees slots by time (R4).
    static LockDelayTerms? LockDelay(GpuPoolSpec pool) =>
        pool is { OnLostContact: LostContact.Stop, StopAfterSeconds: { } stop, LockDelaySeconds: { } delay }
        && new LockDelayTerms(stop, delay) is var terms && terms.Complaint() is null ? terms : null;

    // On a shared device the neighbours' processes and memory are no dirt: who looks cannot tell them apart.
    static DeviceProbeTerms? Probe(GpuPoolSpec pool) => (pool.SlotsPerDevice ?? 1) > 1 || PluginDevices.TermsOf(pool) is { Shared: true }
        ? null
        : new DeviceProbeTerms(pool.ResidualMemoryMiB ?? DefaultResidual, DeviceService.TermsOf(pool).ProbationSeconds,
            DeviceService.TermsOf(pool).AutoRecovery, pool.CleanUpTries ?? 3, pool.CleanUpRetrySeconds ?? 60);

    static string? BeyondBounds(GpuLeaseSpec lease, GpuPool pool, string at)
    {
        var bounds = pool.Spec.Bounds ?? new LeaseBounds();
        return Above(pool, at, "hardSeconds", lease.HardSeconds is 0 ? int.MaxValue : lease.HardSeconds, bounds.MaxHardSeconds ?? 86400)
            ?? Above(pool, at, "heartbeatTimeoutSeconds", lease.HeartbeatTimeoutSeconds, bounds.MaxHeartbeatTimeoutSeconds ?? 86400)
            ?? Above(pool, at, "startDeadlineSeconds", lease.StartDeadlineSeconds, bounds.MaxStartDeadlineSeconds ?? 86400)
            ?? Above(
                pool, at, "progressTimeoutSeconds", lease.ProgressTimeoutSeconds is 0 ? int.MaxValue : lease.ProgressTimeoutSeconds,
                bounds.MaxProgressTimeoutSeconds ?? 86400)
            ?? (lease.HeartbeatIntervalSeconds < (bounds.MinHeartbeatIntervalSeconds ?? 1)
                ? $"{at}.heartbeatIntervalSeconds: {lease.HeartbeatIntervalSeconds} is below {bounds.MinHeartbeatIntervalSeconds}, "
                    + $"the least that GpuPool \"{pool.Metadata.Name}\" allows (spec.bounds.minHeartbeatIntervalSeconds); "
                    + "delete it and ask for more"
                : null);
    }

    static string? Above(GpuPool pool, string at, string field, int? value, int most) => value > most
        ? $"{at}.{field}: {(value == int.MaxValue ? "0 (no limit)" : value)} is above {most}, the most that "
            + $"GpuPool \"{pool.Metadata.Name}\" allows (spec.bounds.max{char.ToUpperInvariant(field[0])}{field[1..]}); "
            + "delete it and ask for less"
        : null;
}
