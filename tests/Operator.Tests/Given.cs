using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Attempts;

namespace Framelease.Operator.Tests;

/// <summary>States that tests begin from, made of events as the log would hold them.</summary>
static class Given
{
    public const string TaskUid = "0a1b2c3d-0000-4000-8000-000000000001";
    public const string LeaseUid = "1111aaaa-0000-4000-8000-000000000002";
    public const string PodUid = "2222bbbb-0000-4000-8000-000000000003";

    public static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    public static readonly SlotKey Slot = new("cluster", "node-1", "sw-0", 0);
    public static readonly LeaseTerms Terms = new(0, 600, 60, 300);

    public static AttemptFence Fence(int attempt = 1, string podUid = PodUid, long token = 7) => new(TaskUid, 0, attempt, podUid, LeaseUid, token);

    public static TaskState Task(params ITaskEvent[] events) => events.Aggregate(TaskState.Initial, (s, e) => s.Evolve(e, At));

    public static LeaseState Lease(params ILeaseEvent[] events) => events.Aggregate(LeaseState.Initial, (s, e) => s.Evolve(e, At));

    public static ITaskEvent[] Accepted(int backoffLimit = 3) =>
    [
        new TaskAccepted(
            TaskUid, "default", "clip", "acme", "ffmpeg-transcode", "default", "hash", new TaskInput("inputs/clip.mp4", null),
            new Dictionary<string, string>(StringComparer.Ordinal) { ["codec"] = "h264" }, 1, backoffLimit, true),
        new TaskAdmitted(),
        new SceneQueued(0, 1, 0),
    ];

    public static ITaskEvent[] Started(int attempt = 1, string podUid = PodUid, long token = 7) =>
        [new AttemptStarted(0, attempt, $"clip-{attempt}", podUid, LeaseUid, token, "node-1", "sw-0")];

    public static ITaskEvent[] Attached(int attempt = 1, string podUid = PodUid) => [new AttemptAttached(0, attempt, podUid, "0.1.0")];

    public static ILeaseEvent[] Granted(long token = 7) =>
    [
        new LeaseRequested(LeaseUid, "default", "clip-1", "default", "VideoTask default/clip", TaskUid, 0, 1, Terms),
        new LeaseGranted(Slot, "software slot", "Software", 0, token, Terms),
    ];

    public static ILeaseEvent[] Held(string podUid = PodUid) => [new LeaseAttached(podUid, "node-1")];

    public static SceneResult Result(string sha256 = "abc") => new(
        "key", "file:///key", sha256, 42, "mp4", "h264", 640, 360, 1000, "aac", "libx264", "software slot", 25, 10, 10);
}
