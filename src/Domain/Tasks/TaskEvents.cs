// Events of stream task-{uid}. The class names are the contract (design §6): additions are free, renames need an ADR.
namespace Framelease.Domain.Tasks;

/// <summary>Any event of a task stream.</summary>
public interface ITaskEvent;

/// <summary>The spec in force from here on, whole, with its hash; a later change of the object changes nothing.</summary>
/// <param name="Parameters">Checked, with the engine's defaults filled in.</param>
public sealed record TaskAccepted(
    string TaskUid, string Namespace, string Name, string Tenant, string Engine, string Pool, string SpecHash, TaskInput Input,
    IReadOnlyDictionary<string, string> Parameters, int Scenes, int BackoffLimit, bool NeedsLease) : ITaskEvent
{
    /// <summary>Seconds from here on within which the task has to end; null = any time.</summary>
    public long? ActiveDeadlineSeconds { get; init; }

    /// <summary>What each scene is made of, by its number; null = one scene, made of <see cref="Input"/> and <see cref="Parameters"/>.</summary>
    public IReadOnlyList<SceneWork>? SceneWorks { get; init; }

    /// <summary>What a scene's attempts work on.</summary>
    public SceneWork WorkOf(int scene) => SceneWorks?[scene] ?? new SceneWork(Input, Parameters);
}

/// <summary>One scene of a task with several.</summary>
/// <param name="Parameters">Checked, with the task's and the engine's defaults filled in.</param>
public sealed record SceneWork(TaskInput Input, IReadOnlyDictionary<string, string> Parameters);

/// <param name="Reason">CamelCase, fixed set; retrying cannot help.</param>
/// <param name="Namespace">Of the VideoTask; null in events of before this field.</param>
/// <param name="Name">Of the VideoTask; null in events of before this field.</param>
public sealed record TaskRejected(string Reason, string Message, string? Namespace = null, string? Name = null) : ITaskEvent;

/// <summary>Quota and credits allow the work.</summary>
public sealed record TaskAdmitted : ITaskEvent;

/// <summary>A person wants it to stand still: nothing of it runs, or waits in a queue, until it is resumed.</summary>
public sealed record TaskSuspended(string By) : ITaskEvent;

public sealed record TaskResumed(string By) : ITaskEvent;

/// <param name="DelaySeconds">Back-off before the attempt may ask for a lease.</param>
public sealed record SceneQueued(int Scene, int Attempt, int DelaySeconds) : ITaskEvent;

/// <summary>The pod exists; from here on its UID is the attempt's fence.</summary>
public sealed record AttemptStarted(
    int Scene, int Attempt, string PodName, string PodUid, string? LeaseUid, long Token, string? Node, string? Device) : ITaskEvent
{
    /// <summary>Silence after which the attempt counts as lost.</summary>
    public int HeartbeatTimeoutSeconds { get; init; } = 300;
}

public sealed record AttemptAttached(int Scene, int Attempt, string PodUid, string WorkerVersion) : ITaskEvent;

/// <summary>The worker beats, and nothing moved for a whole progress timeout.</summary>
public sealed record AttemptStalled(int Scene, int Attempt, string PodUid, int Seconds) : ITaskEvent;

/// <summary>The end of a stall: something moved again.</summary>
public sealed record AttemptProgressed(int Scene, int Attempt, string PodUid) : ITaskEvent;

/// <param name="Category">UserError, Input, Storage, Engine, OutOfMemory, Gpu, NodeLost, Cancelled, Suspended, Internal or HolderLost.</param>
public sealed record AttemptFailed(
    int Scene, int Attempt, string? PodUid, string Category, string Reason, string Message, bool Retryable, string? LogTail) : ITaskEvent
{
    /// <summary>The category of those that were stopped because their task was: nobody's failure, and not counted as one.</summary>
    public const string Suspended = "Suspended";
}

/// <summary>The attempt never ran: it does not count against backoffLimit.</summary>
public sealed record AttemptReturned(int Scene, int Attempt, string? PodUid, string Reason) : ITaskEvent;

/// <summary>The scene's bytes are in the store, verified, under the attempt's key.</summary>
public sealed record SceneCommitted(int Scene, int Attempt, string PodUid, long Token, SceneResult Result) : ITaskEvent;

/// <summary>The task's output. Exactly one per task of one scene; what several scenes made is in <see cref="SceneCommitted"/>.</summary>
public sealed record OutputCommitted(string Uri, string Key, string Sha256, long Bytes) : ITaskEvent;

/// <summary>
/// The output of a part of the history that was lost (R12): the object's status told of it, and the store holds just these bytes. How it came
/// about is not on record.
/// </summary>
public sealed record OutputReadopted(string Uri, string Key, string Sha256, long Bytes) : ITaskEvent;

/// <summary>The same of one scene of several.</summary>
public sealed record SceneReadopted(int Scene, string Uri, string Key, string Sha256, long Bytes) : ITaskEvent;

public sealed record TaskSucceeded : ITaskEvent;

public sealed record TaskFailed(string Reason, string Message) : ITaskEvent;

public sealed record TaskCancelled(string By) : ITaskEvent;

/// <summary>Exactly one of both is set.</summary>
public sealed record TaskInput(string? Object, string? Uri)
{
    /// <summary>UID of the task that made the object, where the spec named a task.</summary>
    public string? TaskUid { get; init; }

    public override string ToString() => Object is null ? Uri ?? "" : $"object {Object}";
}

/// <summary>What the worker reported and the operator verified.</summary>
public sealed record SceneResult(
    string Key, string Uri, string Sha256, long Bytes, string Container, string VideoCodec, int Width, int Height, long DurationMillis,
    string? AudioCodec, string Encoder, string EncoderReason, long Frames, long EngineMillis, long CpuMillis)
{
    /// <summary>The bytes alone are known; how they came about was in the part of the history that was lost.</summary>
    public static SceneResult Readopted(SceneReadopted e) => new(e.Key, e.Uri, e.Sha256, e.Bytes, "", "", 0, 0, 0, null, "", "", 0, 0, 0);
}
