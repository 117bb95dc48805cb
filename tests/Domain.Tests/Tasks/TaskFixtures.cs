// One task of one scene, in the words of its events.
using Framelease.Domain.Tasks;

namespace Framelease.Domain.Tests.Tasks;

static class TaskFixtures
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>backoffLimit 1: the second failure is the last.</summary>
    public static readonly TaskAccepted Accepted = new(
        "task-1", "default", "clip", "tenant", "ffmpeg-transcode", "pool", "hash-1", new TaskInput("inputs/clip.mp4", null),
        new Dictionary<string, string> { ["codec"] = "h264" }, Scenes: 1, BackoffLimit: 1, NeedsLease: true);

    public static readonly TaskAdmitted Admitted = new();
    public static readonly SceneQueued Queued = new(0, 1, 0);
    public static readonly AttemptStarted Started = new(0, 1, "clip-1", "pod-1", "lease-1", 7, "node-a", "gpu-0");
    public static readonly AttemptAttached Attached = new(0, 1, "pod-1", "1.0.0");
    public static readonly AttemptFailed Failed = new(0, 1, "pod-1", "Engine", "EngineFailed", "exit 1", Retryable: true, "last line");
    public static readonly AttemptReturned Returned = new(0, 1, "pod-1", "ImageUnavailable");
    public static readonly SceneResult Result = new(
        "key-1", "s3://bucket/key-1", "aaaa", 1_000, "mp4", "h264", 1280, 720, 20_000, "aac", "libx264",
        "no GPU encoder", 500, 4_000, 9_000);
    public static readonly SceneCommitted Committed = new(0, 1, "pod-1", 7, Result);
    public static readonly OutputCommitted Output = new(Result.Uri, Result.Key, Result.Sha256, Result.Bytes);
    public static readonly TaskSucceeded Succeeded = new();
    public static readonly TaskCancelled Cancelled = new("anna");

    /// <summary>Prefixes of a life, named by where they end.</summary>
    public static readonly object[] ToQueued = [Accepted, Admitted, Queued];
    public static readonly object[] ToStarted = [.. ToQueued, Started];
    public static readonly object[] ToAttached = [.. ToStarted, Attached];
    public static readonly object[] ToSucceeded = [.. ToAttached, Committed, Output, Succeeded];

    /// <summary>The first attempt failed; the second one, in pod-2 under token 8, is attached.</summary>
    public static readonly object[] ToSecondAttempt =
        [.. ToAttached, Failed, Queued with { Attempt = 2 }, SecondStarted, Attached with { Attempt = 2, PodUid = "pod-2" }];

    public static AttemptStarted SecondStarted =>
        Started with { Attempt = 2, PodName = "clip-2", PodUid = "pod-2", LeaseUid = "lease-2", Token = 8 };

    public static TaskState StateOf(params object[] events) => events.Aggregate(TaskState.Initial, (state, e) => state.Evolve(e, Noon));

    public static Scenario<TaskState, TaskCommand, ITaskEvent> Given(params object[] events) => new(StateOf(events), TaskDecider.Decide);

    public static TaskCommand Complete(int attempt = 1, string pod = "pod-1", long token = 7, string sha256 = "aaaa") =>
        new TaskCommand.Complete(0, attempt, pod, token, Result with { Sha256 = sha256 });

    public static TaskCommand Fail(AttemptFailed failure, int delay = 3) => new TaskCommand.Fail(failure, delay);

    public static TaskCommand Return(int attempt = 1, string? pod = "pod-1", int delay = 3) =>
        new TaskCommand.Return(0, attempt, pod, "ImageUnavailable", delay);
}
