// Which Lease, who we are, and how patient.
namespace Framelease.Kubernetes.Leadership;

/// <summary>One election: everybody who names the same Lease takes part, best with the same times. The defaults are client-go's.</summary>
public sealed record LeaderElectionOptions
{
    /// <summary>Name of the Lease.</summary>
    public required string Name { get; init; }

    /// <summary>Namespace of the Lease. Null: the client's default.</summary>
    public string? Namespace { get; init; }

    /// <summary>Who we are; no two candidates may share it, not even one program before and after a restart.</summary>
    public required string Identity { get; init; }

    /// <summary>Others take over when they saw no renewal for this long, on their own clocks. Default 15 s; whole seconds.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A leader that could not renew for this long gives up. Default 10 s; less than <see cref="LeaseDuration"/>.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Wait between two tries to renew or to take over. Default 2 s; less than <see cref="RenewDeadline"/>.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);

    internal LeaderElectionOptions Checked()
    {
        if (Identity.Length == 0 || Name.Length == 0)
            throw new ArgumentException("a leader election needs a name and an identity");
        if (LeaseDuration < TimeSpan.FromSeconds(1) || LeaseDuration.Ticks % TimeSpan.TicksPerSecond != 0)
            throw new ArgumentException($"{nameof(LeaseDuration)} is {LeaseDuration}: use whole seconds, at least 1");
        if (RenewDeadline >= LeaseDuration)
            throw new ArgumentException($"{nameof(RenewDeadline)} is {RenewDeadline}: use less than the lease's {LeaseDuration}");
        if (RetryPeriod <= TimeSpan.Zero || RetryPeriod >= RenewDeadline)
            throw new ArgumentException($"{nameof(RetryPeriod)} is {RetryPeriod}: use more than 0, less than {RenewDeadline}");
        return this;
    }
}
