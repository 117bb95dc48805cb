namespace Framelease.Domain.Leasing;

/// <summary>
/// What a lease was requested and granted under, in seconds; all above 0 but <see cref="MaxWaitSeconds"/>, where 0 means no limit.
/// </summary>
/// <param name="Grades">Limits on holding; null = none (leases of before this field).</param>
/// <param name="Probe">How workers look at a device of their own; null = not at all.</param>
/// <param name="DetectOnly">True: silence, a stall and the hard limit are told, and end nothing: a person does.</param>
/// <param name="DevicePlugin">Set where the kubelet chooses the device; null = the slot's own device, told to the worker.</param>
/// <param name="Dra">Set where the pod gets the slot's device by a ResourceClaim.</param>
/// <param name="LockDelay">Leave to free the slot of a lost holder by time; null = never by time (R4).</param>
public sealed record LeaseTerms(
    int MaxWaitSeconds, int StartDeadlineSeconds, int HeartbeatIntervalSeconds, int HeartbeatTimeoutSeconds, GradeTerms? Grades = null,
    LockDelayTerms? LockDelay = null, DeviceProbeTerms? Probe = null, bool? DetectOnly = null,
    DevicePluginTerms? DevicePlugin = null, DraTerms? Dra = null)
{
    /// <returns>What is wrong with the terms and what is allowed; null when they can be kept. A timeout below two intervals would expire a
    /// holder for one late beat.</returns>
    public string? Complaint()
    {
        if (MaxWaitSeconds < 0)
            return $"maxWaitSeconds is {MaxWaitSeconds}; allowed: 0 (no limit) or more";
        if (StartDeadlineSeconds < 1)
            return $"startDeadlineSeconds is {StartDeadlineSeconds}; allowed: 1 or more";
        if (HeartbeatIntervalSeconds < 1)
            return $"heartbeatIntervalSeconds is {HeartbeatIntervalSeconds}; allowed: 1 or more";
        if (HeartbeatTimeoutSeconds < 2L * HeartbeatIntervalSeconds)
        {
            return $"heartbeatTimeoutSeconds is {HeartbeatTimeoutSeconds}; allowed: twice the interval "
                + $"({HeartbeatIntervalSeconds}) or more";
        }

        return Grades?.Complaint(HeartbeatIntervalSeconds) ?? LockDelay?.Complaint();
    }
}

/// <summary>
/// How long a slot may be held, graded: a warning on record, then the holder is asked to end, then it is made to. Seconds from the grant; 0
/// = no such limit.
/// </summary>
/// <param name="SoftSeconds">The drain command goes to the holder; needs a hard limit.</param>
/// <param name="HardSeconds">The holder is fenced off and its pod is ended; needs a soft limit, because nobody is forced unasked.</param>
/// <param name="ProgressTimeoutSeconds">Beats without any progress for this long are a stall; for as long again, and the holder is asked to
/// end.</param>
/// <param name="DrainGraceSeconds">The least time between a grade and the next, and between a drain command that arrived and force.</param>
public sealed record GradeTerms(int WarningSeconds, int SoftSeconds, int HardSeconds, int ProgressTimeoutSeconds, int DrainGraceSeconds)
{
    /// <returns>What is wrong and what is allowed; null when the terms can be kept.</returns>
    public string? Complaint(int heartbeatIntervalSeconds)
    {
        if (DrainGraceSeconds < 1)
            return $"drainGraceSeconds is {DrainGraceSeconds}; allowed: 1 or more";
        if (Math.Min(Math.Min(WarningSeconds, SoftSeconds), Math.Min(HardSeconds, ProgressTimeoutSeconds)) < 0)
            return "warningSeconds, softSeconds, hardSeconds and progressTimeoutSeconds: allowed are 0 (no limit) or more";
        if (SoftSeconds == 0 != (HardSeconds == 0))
        {
            return $"softSeconds is {SoftSeconds}, hardSeconds is {HardSeconds}; set both or neither: "
                + "a holder is asked before it is forced";
        }

        if (WarningSeconds > 0 && SoftSeconds > 0 && SoftSeconds < (long)WarningSeconds + DrainGraceSeconds)
        {
            return $"softSeconds is {SoftSeconds}; allowed: warningSeconds ({WarningSeconds}) + drainGraceSeconds "
                + $"({DrainGraceSeconds}) or more";
        }

        if (HardSeconds > 0 && HardSeconds < (long)SoftSeconds + DrainGraceSeconds)
            return $"hardSeconds is {HardSeconds}; allowed: softSeconds ({SoftSeconds}) + drainGraceSeconds ({DrainGraceSeconds}) or more";
        return ProgressTimeoutSeconds > 0 && ProgressTimeoutSeconds < 2L * heartbeatIntervalSeconds
            ? $"progressTimeoutSeconds is {ProgressTimeoutSeconds}; allowed: 0, or twice heartbeatIntervalSeconds "
                + $"({heartbeatIntervalSeconds}) or more"
            : null;
    }
}

/// <summary>
/// A holder that cannot reach the platform stops by itself after <paramref name="StopAfterSeconds"/>; so its slot may be freed by time,
/// once
/// <paramref name="LockDelaySeconds"/> have passed since the end of its lease.
/// </summary>
public sealed record LockDelayTerms(int StopAfterSeconds, int LockDelaySeconds)
{
    /// <summary>Twice: the two clocks may run at different rates, and the worker's last engine needs its grace.</summary>
    public string? Complaint() => StopAfterSeconds < 1
        ? $"stopAfterSeconds is {StopAfterSeconds}; allowed: 1 or more"
        : LockDelaySeconds < 2L * StopAfterSeconds
            ? $"lockDelaySeconds is {LockDelaySeconds}; allowed: twice stopAfterSeconds ({StopAfterSeconds}) or more"
            : null;
}

/// <summary>
/// The pod asks its kubelet for one piece of <paramref name="Resource"/> and gets whichever device that is; the slot is one of as many
/// pieces as the node has. So a slot follows its pod: it is free when the pod is terminal, not before.
/// </summary>
/// <param name="Resource">An extended resource, for example <c>nvidia.com/gpu</c>.</param>
/// <param name="Shared">Several pieces may be the same device.</param>
public sealed record DevicePluginTerms(string Resource, bool Shared = false);

/// <summary>
/// The pod claims the very device of its slot (dynamic resource allocation), and the cluster allocates it to that claim until the pod has
/// ended. So here, too, a slot follows its pod.
/// </summary>
/// <param name="DeviceClass">Name of the DeviceClass that the claim names.</param>
/// <param name="Driver">Of the device, for example <c>gpu.nvidia.com</c>.</param>
/// <param name="IdAttribute">The attribute that holds the slot's device id; without a domain, it is of the driver's.</param>
public sealed record DraTerms(string DeviceClass, string Driver, string IdAttribute);

/// <summary>When a device counts as dirty before or after a worker's work, and how it comes back.</summary>
/// <param name="ResidualMemoryMiB">Memory that may be in use on a clean device.</param>
/// <param name="ProbationSeconds">From a failed probe until the device is tried again.</param>
/// <param name="AutoRecovery">False: only a person takes it back.</param>
/// <param name="Tries">Looks, with clean-up between, before a device counts as dirty.</param>
/// <param name="RetrySeconds">Between two of them.</param>
public sealed record DeviceProbeTerms(int ResidualMemoryMiB, int ProbationSeconds, bool AutoRecovery, int Tries = 3, int RetrySeconds = 60);
