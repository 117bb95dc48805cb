using System.Globalization;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.ObjectStorage;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Hosting;
using Framelease.Operator.Ledger;
using Framelease.Resources;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>Makes a worker's assignment out of what the log holds: device and token from the lease, work from the accepted spec, URLs from the store (R13).</summary>
sealed class AssignmentBuilder(ILedger ledger, IKubernetesClient kubernetes, IObjectStore objects, OperatorOptions options)
{
    const long MiB = 1024 * 1024;
    const int DefaultHeartbeatInterval = 60;
    const int ProgressInterval = 2;
    const int DrainGrace = 30;
    static readonly TimeSpan UrlLifetime = TimeSpan.FromHours(12);

    public async Task<Assignment> BuildAsync(AttemptFence fence, string credential, CancellationToken cancel)
    {
        var task = (await ledger.LoadTaskAsync(fence.TaskUid, cancel)).State;
        var accepted = task.Accepted ?? throw new HttpProblem(409, "StaleHolder", "the task is not accepted");
        // Between the attach and this look the attempt may have ended, and the next one begun.
        if (task.Scenes.GetValueOrDefault(fence.Scene)?.Started is not { } started || started.PodUid != fence.PodUid)
            throw new HttpProblem(409, "StaleHolder", "the attempt has ended meanwhile");
        var lease = fence.LeaseUid is null ? null : (await ledger.LoadLeaseAsync(fence.LeaseUid, cancel)).State;
        var engine = await kubernetes.FindAsync<Engine>(accepted.Engine, null, cancel)
            ?? throw new HttpProblem(503, "Unavailable", $"engine {accepted.Engine} does not exist any more; apply it again");
        var limits = engine.Spec.Limits ?? new EngineLimits();
        var key = StagingKey(accepted, fence);
        var work = accepted.WorkOf(fence.Scene);
        var contentType = ContentTypeOf(work.Parameters);
        var outputBytes = (limits.OutputMiB ?? 102400) * MiB;
        return new Assignment
        {
            Attempt = new AttemptRef(fence.TaskUid, fence.Scene, fence.Attempt, fence.PodUid, fence.LeaseUid, fence.Token),
            Credential = credential,
            Protocol = ProtocolVersion.Current.ToString(),
            Device = DeviceOf(lease),
            Engine = new EngineCall(accepted.Engine, engine.Spec.Driver.ToString(), work.Parameters),
            Input = InputOf(work.Input, (limits.InputMiB ?? 102400) * MiB),
            Output = new OutputTarget(
                key, objects.PresignPut(key, new PresignPutOptions(UrlLifetime, outputBytes, contentType, IfNoneMatch: true)).AbsoluteUri, contentType, outputBytes),
            Limits = new Limits(limits.CpuSeconds ?? 86400, (limits.MemoryMiB ?? 8192) * MiB, limits.Threads ?? 0),
            HeartbeatIntervalSeconds = lease?.Grant?.Terms.HeartbeatIntervalSeconds ?? DefaultHeartbeatInterval,
            HeartbeatTimeoutSeconds = started.HeartbeatTimeoutSeconds,
            ProgressIntervalSeconds = ProgressInterval,
            StopAfterSeconds = lease?.Grant?.Terms.LockDelay?.StopAfterSeconds,
            Probe = lease?.Grant is { DeviceKind: "Gpu", Terms.Probe: { } probe }
                ? new ProbeTerms(probe.ResidualMemoryMiB, probe.Tries, probe.RetrySeconds) : null,
            DrainGraceSeconds = lease?.Grant?.Terms.Grades?.DrainGraceSeconds ?? DrainGrace,
        };
    }

    /// <summary>The only key under which this attempt may commit.</summary>
    public async Task<string> StagingKeyAsync(AttemptFence fence, CancellationToken cancel)
    {
        var task = (await ledger.LoadTaskAsync(fence.TaskUid, cancel)).State;
        return StagingKey(task.Accepted ?? throw new HttpProblem(409, "StaleHolder", "the task is not accepted"), fence);
    }

    static string StagingKey(TaskAccepted accepted, AttemptFence fence) => AttemptName.StagingKey(
        accepted.Tenant, accepted.TaskUid, fence.Scene, fence.Attempt, fence.Token, ContentTypeOf(accepted.WorkOf(fence.Scene).Parameters) == "video/webm" ? ".webm" : ".mp4");

    // WebM for the codecs that live there, MP4 for the others.
    static string ContentTypeOf(IReadOnlyDictionary<string, string> parameters) =>
        parameters.GetValueOrDefault("codec") is "vp9" or "av1" ? "video/webm" : "video/mp4";

    InputSource InputOf(TaskInput input, long maxBytes)
    {
        if (input.Object is { } key)
            return new InputSource(objects.PresignGet(key, UrlLifetime).AbsoluteUri, $"object {key}", true, [], [], maxBytes);
        return new InputSource(input.Uri!, WithoutUserInfo(input.Uri!), false, options.InputRoots, options.InputHosts, maxBytes);
    }

    // Where the kubelet chose, the slot's name is no device that a worker could look at.
    static LeasedDevice? DeviceOf(LeaseState? lease) => lease?.Grant is not { } grant
        ? null
        : new LeasedDevice(
            lease.Attachment?.DeviceUuid ?? grant.Slot.Device, grant.DeviceIndex, grant.DeviceName, grant.DeviceKind, grant.Slot.Slot);

    // Passwords and signatures in a user's URL are not for logs.
    static string WithoutUserInfo(string uri) => Uri.TryCreate(uri, UriKind.Absolute, out var u) && u.Scheme is "http" or "https" && u is not null
        ? string.Create(CultureInfo.InvariantCulture, $"{u.Scheme}://{u.Host}:{u.Port}{u.AbsolutePath}")
        : uri;
}
