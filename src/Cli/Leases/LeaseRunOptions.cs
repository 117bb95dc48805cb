namespace Framelease.Cli.Leases;

/// <summary>What <c>framelease lease run</c> was asked to do.</summary>
/// <param name="Command">Program and arguments, as they are passed on: never through a shell.</param>
/// <param name="Name">Of the GpuLease; null = made up.</param>
/// <param name="TokenFile">Bearer token for the operator; null = the kubeconfig's.</param>
sealed record LeaseRunOptions(
    string Pool, IReadOnlyList<string> Command, string? Name, int? MaxWaitSeconds, int? SoftSeconds, int? HardSeconds, int VramMiB,
    int EncodeSessions, int DecodeSessions, int Boost, string? TokenFile, bool Quiet);

/// <summary>Exit codes of <c>framelease lease run</c> beside its command's own, and beside 128 + n for a command that signal n ended.</summary>
static class LeaseExit
{
    /// <summary>The lease was refused: waiting longer would not help. Nothing was run.</summary>
    public const int Refused = 121;

    /// <summary>The lease was lost while the command ran; the command was ended.</summary>
    public const int Lost = 122;

    /// <summary>The command ended, but something that it started could not be ended: the lease was not released, and expires by silence.</summary>
    public const int NotReleased = 123;

    /// <summary>No device became free in time. Nothing was run.</summary>
    public const int GaveUp = 124;

    /// <summary>The platform could not be reached or asked. Nothing was run.</summary>
    public const int Unavailable = 125;

    /// <summary>The command is there and cannot be executed.</summary>
    public const int NotExecutable = 126;

    /// <summary>There is no such command.</summary>
    public const int NotFound = 127;

    /// <summary>Ended by a signal before the command ran: 128 + its number.</summary>
    public const int Signalled = 128;
}
