using Framelease.Domain.Devices;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.ObjectStorage;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Resources;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>What a worker's four calls mean. Every write is fenced (R2): it counts only for the attempt that holds scene and slot now.</summary>
sealed class WorkerService(
    ILedger ledger, AttemptService attempts, AssignmentBuilder assignments, IKubernetesClient kubernetes, IObjectStore objects, AttemptCredential credential,
    ILogger<WorkerService> logger)
{
    const int StopGraceSeconds = 30;
    const int MaxMessage = 1024;
    const int MaxLogTail = 4096;
    const int MaxFinding = 400;

    readonly DeviceBindings _bindings = new(ledger, attempts, logger);

    public async Task<Assignment> AttachAsync(string token, AttachRequest request, CancellationToken cancel)
    {
        var podUid = await AuthenticateAsync(token, request, cancel);
        HolderProtocol.RequireProtocol(request.Protocol);
        // The pod may be quicker than the record of its creation; it tries again.
        var row = await ledger.FindAttemptByPodAsync(podUid, cancel)
            ?? throw new HttpProblem(425, "TooEarly", $"no attempt is on record for pod {podUid} yet; try again");
        var fence = new AttemptFence(row.TaskUid, row.Scene, row.Attempt, row.PodUid, row.LeaseUid, row.Token);
        var uuid = await _bindings.SeenAsync(fence, request.DeviceIds, Actor(row), cancel);
        var plan = await attempts.AttachAsync(fence, request.NodeName, request.WorkerVersion, Actor(row), cancel,
            HolderProtocol.Bounded(request.BootId, 64), uuid);
        await RefuseAsync(plan, fence, "attach", cancel);
        Log.Attached(logger, row.PodName, row.TaskUid, row.Scene, row.Attempt, row.Token);
        return await assignments.BuildAsync(fence, credential.Issue(fence), cancel);
    }

    public async Task<BeatReply> BeatAsync(AttemptFence fence, BeatRequest beat, CancellationToken cancel)
    {
        HolderProtocol.RequireSequence(beat.Sequence);
        var outcome = await ledger.BeatAsync(
            new Heartbeat(
                fence.TaskUid, fence.Scene, fence.Attempt, fence.PodUid, fence.LeaseUid, fence.Token, beat.Sequence, beat.Phase.ToString(),
                Math.Max(0, beat.Frames), Math.Max(0, beat.TotalFrames), Math.Max(0, beat.FpsMillis), Math.Max(0, beat.SpeedMillis),
                Math.Clamp(beat.PerMille, 0, 1000), Math.Max(0, beat.OutputBytes), HolderProtocol.Bounded(beat.Message, 256),
                HolderProtocol.Figures(beat.Device)),
            cancel);
        if (HolderProtocol.Answer(outcome) is { } reply)
            return reply;

        // A cancelled task's worker is no impostor: it is told to stop.
        var task = await ledger.LoadTaskAsync(fence.TaskUid, cancel);
        if (task.State.Phase is TaskPhase.Cancelled)
            return new BeatReply(WorkerCommand.Stop, 0, await StopGraceAsync(fence, cancel), "the task was cancelled");
        var why = HolderProtocol.WhyRefused((BeatOutcome.Stale)outcome, fence.Token);
        await RefuseAsync(new AttemptPlan([], [], new AttemptRefusal("StaleHolder", why)), fence, "beat", cancel);
        throw new InvalidOperationException("a refusal always throws");
    }

    public async Task<CompleteReply> CompleteAsync(AttemptFence fence, CompleteRequest request, CancellationToken cancel)
    {
        var result = await VerifyAsync(fence, request, cancel);
        var plan = await attempts.CompleteAsync(fence, result, $"worker {fence.PodUid}", cancel, LookOf(request.Probes));
        await RefuseAsync(plan, fence, "complete", cancel);
        Tell(plan);
        Log.Committed(logger, fence.TaskUid, fence.Scene, fence.Attempt, request.Key);
        return new CompleteReply(result.Uri);
    }

    public async Task<FailReply> FailAsync(AttemptFence fence, FailRequest request, CancellationToken cancel)
    {
        var failure = new AttemptFailed(
            fence.Scene, fence.Attempt, fence.PodUid, request.Category.ToString(), HolderProtocol.Bounded(request.Reason, 64) ?? "Internal",
            HolderProtocol.Bounded(request.Message, MaxMessage) ?? "", request.Retryable, HolderProtocol.Bounded(request.LogTail, MaxLogTail));
        var (look, actor) = (LookOf(request.Probes), $"worker {fence.PodUid}");
        // Under no lease there is no device that another attempt could get instead.
        var plan = fence.LeaseUid is not null && request is { Reason: FailReasons.DeviceDirty, Probes.Before.IsClean: false }
            ? await attempts.DeviceDirtyAsync(fence, failure.Message, look!, actor, cancel)
            : await attempts.FailAsync(fence, failure, actor, cancel, look);
        await RefuseAsync(plan, fence, "fail", cancel);
        Tell(plan);
        return new FailReply(true);
    }

    // After the work counts more than before it: what was dirty before, and is clean now, is clean.
    static DeviceLook? LookOf(DeviceProbes? probes) => probes switch
    {
        { After: { IsClean: false } after } => new DeviceLook("after the work: " + Finding(after), true),
        { After: not null } => new DeviceLook(null, true),
        { Before: { IsClean: false } before } => new DeviceLook("before the work: " + Finding(before), true),
        { Before: not null } => new DeviceLook(null, false),
        _ => null,
    };

    static string Finding(DeviceProbe probe) => HolderProtocol.Bounded(probe.Finding, MaxFinding) ?? "dirty";

    void Tell(AttemptPlan plan)
    {
        foreach (var degraded in plan.Device.OfType<DeviceDegraded>())
            Log.DeviceDegraded(logger, degraded.Node, degraded.Device, degraded.Reason);
        foreach (var returned in plan.Device.OfType<DeviceReturned>())
            Log.DeviceReturned(logger, returned.Node, returned.Device, returned.Evidence);
    }

    // A slot that is handed on by time must be left well before (R4).
    async Task<int> StopGraceAsync(AttemptFence fence, CancellationToken cancel)
    {
        var lease = fence.LeaseUid is { } uid ? (await ledger.LoadLeaseAsync(uid, cancel)).State : null;
        return lease?.Grant?.Terms.LockDelay is { StopAfterSeconds: var stop }
            ? Math.Clamp(stop / 2, 1, StopGraceSeconds)
            : StopGraceSeconds;
    }

    // The token must be one that the cluster issued for this audience, bound to the very pod that the body names.
    async Task<string> AuthenticateAsync(string token, AttachRequest request, CancellationToken cancel)
    {
        var review = await kubernetes.ReviewTokenAsync(token, [ApiGroup.WorkerAudience], cancel);
        if (!review.Authenticated)
            throw new HttpProblem(401, "Unauthorized", $"the API server does not accept the token: {review.Error ?? "not authenticated"}");
        var podUid = review.User?.Extra?.GetValueOrDefault(UserInfo.PodUidKey)?.FirstOrDefault();
        if (podUid is null)
            throw new HttpProblem(403, "Forbidden", "the token is not bound to a pod");
        if (podUid != request.PodUid)
            throw new HttpProblem(403, "Forbidden", $"the token is bound to pod {podUid}, the request names pod {request.PodUid}");
        return podUid;
    }

    // By HEAD and checksum, never by download. What the worker says must be what the store holds, under the key of exactly this attempt.
    async Task<SceneResult> VerifyAsync(AttemptFence fence, CompleteRequest request, CancellationToken cancel)
    {
        var expected = await assignments.StagingKeyAsync(fence, cancel);
        if (request.Key != expected)
            throw new HttpProblem(400, "Invalid", $"key: this attempt's key is {expected}");
        var info = await objects.HeadAsync(request.Key, cancel)
            ?? throw new HttpProblem(409, "OutputMissing", $"the store holds no object {request.Key}; upload first");
        if (info.Size != request.Bytes || !info.Sha256.Equals(request.Sha256, StringComparison.OrdinalIgnoreCase))
            throw new HttpProblem(409, "OutputDiffers", $"the store holds {info.Size} bytes, sha256 {info.Sha256}; reported were {request.Bytes} bytes, sha256 {request.Sha256}");
        var m = request.Media ?? throw new HttpProblem(400, "Invalid", "media: what ffprobe says of the output is needed");
        return new SceneResult(
            request.Key, objects.UriOf(request.Key).ToString(), request.Sha256.ToLowerInvariant(), request.Bytes, m.Container, m.VideoCodec, m.Width, m.Height, m.DurationMillis,
            m.AudioCodec, request.Encoder, request.EncoderReason, request.Frames, request.EngineMillis, request.CpuMillis);
    }

    async Task RefuseAsync(AttemptPlan plan, AttemptFence fence, string write, CancellationToken cancel)
    {
        if (plan.Refusal is not { } refusal)
            return;
        Log.Refused(logger, write, fence.PodUid, refusal.Reason, refusal.Message);
        if (refusal.Reason is "StaleHolder" or "NotCurrent")
        {
            await attempts.RejectStaleHolderAsync(fence, write, $"worker {fence.PodUid}", cancel);
            throw new HttpProblem(409, "StaleHolder", refusal.Message);
        }

        throw new HttpProblem(409, refusal.Reason, refusal.Message);
    }

    static string Actor(AttemptRow row) => $"worker {row.Namespace}/{row.PodName}";
}
