namespace Framelease.GpuWorker;

/// <summary>Exit codes of the worker. The operator decides by what the worker told it, people by these.</summary>
static class ExitCode
{
    /// <summary>The result was accepted.</summary>
    public const int Completed = 0;

    /// <summary>The attempt failed, and the operator was told.</summary>
    public const int Failed = 1;

    /// <summary>Wrong environment, or attach was refused or not possible in time: no work was begun.</summary>
    public const int NotStarted = 2;

    /// <summary>Another holder has the slot by now: nothing more was written.</summary>
    public const int Stale = 3;

    /// <summary>SIGTERM.</summary>
    public const int Terminated = 143;
}
