namespace Framelease.Domain.Devices;

/// <summary>One device of one cluster.</summary>
public sealed record DeviceKey(string Cluster, string Node, string Device)
{
    public override string ToString() => $"{Node}/{Device}";
}

/// <summary>How fit a device is, and since when. Its row is authority, beside the slots; streams tell how it came to be.</summary>
/// <param name="By">Null while it is healthy.</param>
/// <param name="Failures">Failed probes in a row, up to now.</param>
/// <param name="Since">PostgreSQL's clock; null for a device that was never found unfit.</param>
public sealed record DeviceHealth(
    DeviceKey Key, DeviceFitness Fitness = DeviceFitness.Healthy, DegradedBy? By = null, string? Reason = null, int Failures = 0,
    DateTimeOffset? Since = null)
{
    /// <param name="at">When the event was recorded, by PostgreSQL's clock.</param>
    public DeviceHealth Evolve(IDeviceEvent e, DateTimeOffset at) => e switch
    {
        DeviceDegraded d => this with
        {
            Fitness = DeviceFitness.Degraded,
            By = d.By,
            Reason = d.Reason,
            Failures = d.Failures ?? 0,
            Since = at,
        },
        DeviceOnProbation p => this with { Fitness = DeviceFitness.Probation, Reason = p.Reason, Since = at },
        DeviceReturned => new DeviceHealth(Key) { Since = at },
        _ => throw new InvalidOperationException($"event {e.GetType().Name} changes no device"),
    };
}

public enum DeviceFitness
{
    Healthy,

    /// <summary>Gets no lease.</summary>
    Degraded,

    /// <summary>Gets one lease at a time, after all others; the first that ends with clean probes gives it back.</summary>
    Probation,
}

/// <summary>How a pool takes degraded devices back.</summary>
/// <param name="ProbationSeconds">After the first failed probe; doubled with each that follows without a clean one, up to
/// <see cref="LongestWaitSeconds"/>.</param>
/// <param name="AutoRecovery">False: only a person takes a device back.</param>
public sealed record RecoveryTerms(int ProbationSeconds, bool AutoRecovery)
{
    public const int LongestWaitSeconds = 6 * 3600;

    /// <returns>Null where only a person may take it back.</returns>
    public int? WaitSeconds(int failures) => !AutoRecovery ? null
        : (int)Math.Max(ProbationSeconds, Math.Min((long)ProbationSeconds << Math.Clamp(failures - 1, 0, 20), LongestWaitSeconds));
}

/// <summary>Everything that can be said of a device's health.</summary>
public abstract record DeviceCommand
{
    DeviceCommand()
    {
    }

    /// <summary>The node's word, as it stands.</summary>
    /// <param name="Unfit">Why it is unfit; null = it is not.</param>
    public sealed record NodeSays(string? Unfit, RecoveryTerms Terms) : DeviceCommand;

    /// <summary>A worker looked at the device that it holds.</summary>
    /// <param name="GrantedAt">Of its lease, by PostgreSQL's clock.</param>
    /// <param name="Dirty">What it found; null = the device is clean.</param>
    /// <param name="IsLast">It looked after its work, or will never work: a clean look then is the lease's last word.</param>
    public sealed record Probed(string LeaseUid, DateTimeOffset GrantedAt, string? Dirty, bool IsLast, RecoveryTerms Terms) : DeviceCommand;

    /// <summary>Time passed.</summary>
    /// <param name="Now">PostgreSQL's clock.</param>
    public sealed record Recover(DateTimeOffset Now, RecoveryTerms Terms) : DeviceCommand;

    /// <summary>An authorised person takes it back.</summary>
    public sealed record ReturnByPerson(string Actor, string Reason) : DeviceCommand;
}
