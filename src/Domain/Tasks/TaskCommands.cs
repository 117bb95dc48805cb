namespace Framelease.Domain.Tasks;

/// <summary>Everything that can be asked of a task.</summary>
public abstract record TaskCommand
{
    TaskCommand()
    {
    }

    /// <summary>Accepts and, quota and credits allowing, admits and queues every scene.</summary>
    public sealed record Accept(TaskAccepted Spec) : TaskCommand;

    public sealed record Reject(string Reason, string Message, string? Namespace = null, string? Name = null) : TaskCommand;

    public sealed record Start(AttemptStarted Attempt) : TaskCommand;

    public sealed record Attach(int Scene, int Attempt, string PodUid, string WorkerVersion) : TaskCommand;

    /// <summary>Beats came, and nothing moved for a whole progress timeout.</summary>
    public sealed record Stall(int Scene, int Attempt, string PodUid, int Seconds) : TaskCommand;

    /// <summary>Something moved.</summary>
    public sealed record Progress(int Scene, int Attempt, string PodUid) : TaskCommand;

    public sealed record Complete(int Scene, int Attempt, string PodUid, long Token, SceneResult Result) : TaskCommand;

    /// <param name="RetryDelaySeconds">Back-off before the next attempt, if there is one.</param>
    public sealed record Fail(AttemptFailed Failure, int RetryDelaySeconds) : TaskCommand;

    /// <summary>The attempt never ran a container; or it attached, and touched nothing because its device was not fit.</summary>
    public sealed record Return(
        int Scene, int Attempt, string? PodUid, string Reason, int RetryDelaySeconds, bool TouchedNothing = false) : TaskCommand;

    /// <summary>A task that had succeeded in a part of the history that was lost (R12).</summary>
    /// <param name="Outputs">As they were found in the store: <see cref="OutputReadopted"/>, or a <see cref="SceneReadopted"/> of each scene.</param>
    public sealed record Readopt(IReadOnlyList<ITaskEvent> Outputs) : TaskCommand;

    /// <summary>A task that had ended otherwise in that part, or whose output is gone: it is not run a second time.</summary>
    public sealed record EndAgain(string Reason, string Message) : TaskCommand;

    public sealed record Cancel(string By) : TaskCommand;

    public sealed record Suspend(string By) : TaskCommand;

    public sealed record Resume(string By) : TaskCommand;

    /// <param name="Now">PostgreSQL's clock (R3).</param>
    public sealed record ExceedDeadline(DateTimeOffset Now) : TaskCommand;
}
