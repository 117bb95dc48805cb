using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Resources;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// What the calls of a holder without a task mean. Every write is fenced (R2): it counts only from the holder that attached, under the slot's
/// present token.
/// </summary>
sealed class HolderService(
    ILedger ledger, LeaseService leases, AttemptSignals signals, IKubernetesClient kubernetes, HolderCredential credential,
    ILogger<HolderService> logger)
{
    const int MaxMessage = 256;

    /// <summary>Of Linux: PID_MAX_LIMIT.</summary>
    const int MostPid = 1 << 22;

    /// <summary>Where the lease names no grace of its own.</summary>
    const int DefaultDrainGrace = 30;

    /// <summary>Whether the lease waits still, is granted, or ended. A lease that is not on record yet waits to be.</summary>
    public async Task<HolderWaitReply> LookAsync(HolderWaitRequest request, CancellationToken cancel)
    {
        var lease = (await ledger.LoadLeaseAsync(request.LeaseUid, cancel)).State;
        if (lease.Request is { } wish && wish.Namespace != request.Namespace)
            throw new HttpProblem(404, "NotFound", $"the log knows no lease with uid {request.LeaseUid} in namespace {request.Namespace}");
        return lease is { IsGranted: true, Grant: { } grant }
            ? Told(grant)
            : new HolderWaitReply(lease.Phase is LeasePhase.None ? nameof(LeasePhase.Pending) : lease.Phase.ToString());
    }

    public static HolderWaitReply Told(LeaseGranted grant) =>
        new(nameof(LeasePhase.Granted), grant.Slot.Node, grant.Slot.Device, grant.Slot.Slot, grant.Token);

    /// <param name="user">Who was found to have the right to attach in the request's namespace.</param>
    public async Task<HeldLease> AttachAsync(string user, HolderAttachRequest request, CancellationToken cancel)
    {
        HolderProtocol.RequireProtocol(request.Protocol);
        if (!IsId(request.Holder))
            throw new HttpProblem(400, "Invalid", "holder: 8 to 64 letters, digits and hyphens are allowed");
        var process = Process(request.Process);
        var lease = (await ledger.LoadLeaseAsync(request.LeaseUid, cancel)).State;
        if (lease.Request is not { } wish || wish.Namespace != request.Namespace)
            throw new HttpProblem(404, "NotFound", $"the log knows no lease with uid {request.LeaseUid} in namespace {request.Namespace}");
        var name = $"lease {wish.Namespace}/{wish.Name}";
        if (wish.TaskUid is not null)
            throw new HttpProblem(403, "Forbidden", $"{name} belongs to {wish.Holder}: only that task's worker attaches to it");
        if (lease is not { IsGranted: true, Grant: { } grant })
            throw new HttpProblem(409, lease.IsEnded ? "StaleHolder" : "NotGranted", $"{name} is {lease.Phase}; it has no device");
        await ShowAsync(request.LeaseUid, wish, grant, cancel);
        var bootId = await SameMachineAsync(request, grant.Slot.Node, cancel);
        var done = await leases.ChangeAsync(
            request.LeaseUid, user, null, _ => [new LeaseCommand.Attach(request.Holder, grant.Slot.Node, grant.Token, bootId, process)],
            cancel);
        var fence = new HolderFence(request.LeaseUid, request.Holder, grant.Token);
        if (done.Refusal is { } no)
            await RefuseAsync(fence, "attach", no.Message, cancel);
        Log.HolderAttached(logger, name, user, request.Holder, grant.Token);
        return new HeldLease(
            request.LeaseUid, request.Holder, grant.Token, credential.Issue(fence),
            new LeasedDevice(grant.Slot.Device, grant.DeviceIndex, grant.DeviceName, grant.DeviceKind, grant.Slot.Slot), grant.Slot.Node,
            grant.Terms.HeartbeatIntervalSeconds, grant.Terms.HeartbeatTimeoutSeconds, grant.Terms.Grades?.DrainGraceSeconds ?? DefaultDrainGrace,
            grant.Terms.LockDelay?.StopAfterSeconds);
    }

    public async Task<BeatReply> BeatAsync(HolderFence fence, HolderBeatRequest beat, CancellationToken cancel)
    {
        HolderProtocol.RequireSequence(beat.Sequence);
        var outcome = await ledger.BeatHolderAsync(
            new HolderBeat(
                fence.LeaseUid, fence.Holder, fence.Token, beat.Sequence, Math.Clamp(beat.PerMille, 0, 1000), HolderProtocol.Bounded(beat.Message, MaxMessage),
                HolderProtocol.Figures(beat.Device)),
            cancel);
        if (HolderProtocol.Answer(outcome) is { } reply)
            return reply;
        await RefuseAsync(fence, "beat", HolderProtocol.WhyRefused((BeatOutcome.Stale)outcome, fence.Token), cancel);
        throw new InvalidOperationException("a refusal always throws");
    }

    public async Task<HolderReleaseReply> ReleaseAsync(HolderFence fence, HolderReleaseRequest request, CancellationToken cancel)
    {
        var reason = HolderProtocol.Bounded(request.Reason, MaxMessage) is { Length: > 0 } said ? said : "released by its holder";
        var done = await leases.ChangeAsync(
            fence.LeaseUid, $"holder {fence.Holder}", null, _ => [new LeaseCommand.Release(fence.Token, reason, fence.Holder)], cancel);
        if (done.Refusal is { } no && !await TakeWordAsync(fence, reason, cancel))
            await RefuseAsync(fence, "release", no.Message, cancel);
        Log.HolderReleased(logger, fence.LeaseUid, fence.Holder, reason);
        return new HolderReleaseReply(true);
    }

    // A holder without a pod is seen in its GpuLease alone when the log's end gets lost (R12): nobody touches a slot that it does not show. The
    // reconciler writes it too, sooner or later; whoever was told of the grant by the log does not wait for that.
    async Task ShowAsync(string uid, LeaseRequested wish, LeaseGranted grant, CancellationToken cancel)
    {
        var name = $"GpuLease {wish.Namespace}/{wish.Name}";
        try
        {
            var lease = await kubernetes.FindAsync<GpuLease>(wish.Name, wish.Namespace, cancel);
            if (lease?.Metadata.Uid != uid)
                throw new HttpProblem(404, "NotFound", $"{name} with uid {uid} is gone");
            var shown = lease.Status ?? new();
            if (shown.Token == grant.Token && shown.Device == grant.Slot.Device)
                return;
            var status = shown with { Node = grant.Slot.Node, Device = grant.Slot.Device, Slot = grant.Slot.Slot, Token = grant.Token };
            await kubernetes.PatchStatusAsync(lease, lease with { Status = status }, ct: cancel);
        }
        catch (KubernetesException e)
        {
            throw new HttpProblem(503, "GrantNotShown", $"the status of {name} does not show its grant yet ({e.Message}); try again");
        }
    }

    // After a change of authority (R12) no lease on record speaks for a holder of before; that it has ended is its own to say, as ever.
    async Task<bool> TakeWordAsync(HolderFence fence, string reason, CancellationToken cancel)
    {
        var known = await ledger.ReadAuthorityHoldersAsync(cancel);
        if (!known.Any(h => h.LeaseUid == fence.LeaseUid && h.Token == fence.Token))
            return false;
        await ledger.EndAuthorityHoldersAsync([fence.LeaseUid], $"holder {fence.Holder} said itself that it has ended: {reason}", null, cancel);
        return true;
    }

    // A device is where its node is. Kernels tell one machine from another by their boot id, containers or not; a node that does not tell its
    // own leaves nothing to compare, and nothing that could later prove an end.
    async Task<string?> SameMachineAsync(HolderAttachRequest request, string node, CancellationToken cancel)
    {
        var told = (await kubernetes.FindAsync<Node>(node, null, cancel))?.Status?.NodeInfo?.BootID;
        if (string.IsNullOrEmpty(told) || request.BootId is not { Length: > 0 and <= 64 } here)
            return null;
        return here == told
            ? here
            : throw new HttpProblem(
                409, "OtherMachine",
                $"the lease's device is on node {node} (boot id {told}), and this program runs on {request.Host ?? "another machine"} (boot id {here}); "
                + "run it on that node, or lease from a pool whose nodeSelector names this one");
    }

    async Task RefuseAsync(HolderFence fence, string write, string why, CancellationToken cancel)
    {
        Log.Refused(logger, write, fence.Holder, "StaleHolder", why);
        if (signals.FirstRejection(fence.LeaseUid, fence.Holder, write))
        {
            await leases.ChangeAsync(
                fence.LeaseUid, $"holder {fence.Holder}", null,
                _ => [new LeaseCommand.RejectStaleHolder(fence.Holder, fence.Token, write)], cancel);
        }

        throw new HttpProblem(409, "StaleHolder", why);
    }

    static HolderProcess? Process(HolderIdentity? told) => told switch
    {
        null => null,
        { Pid: < 1 or > MostPid } => throw new HttpProblem(400, "Invalid", $"process.pid is {told.Pid}; allowed is 1 to {MostPid}"),
        { StartTicks: < 1 } or { PidNamespace: < 1 } or { UserId: < 0 } => throw new HttpProblem(
            400, "Invalid", "process: startTicks and pidNamespace must be above 0, userId 0 or more"),
        _ => new HolderProcess(told.Pid, told.StartTicks, told.PidNamespace, told.UserId),
    };

    static bool IsId(string? text) => text is { Length: >= 8 and <= 64 } && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
