using Framelease.Domain;
using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Authority;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Tests;
using Framelease.Operator.WorkerApi;
using Microsoft.Extensions.Logging.Abstractions;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>
/// What every ledger does, written once: run on PostgreSQL and on the one in memory that stands in for it in the simulation. A rule
/// that the simulation relies on belongs here.
/// </summary>
public abstract partial class LedgerContract : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;
    static readonly TimeSpan Ttl = TimeSpan.FromMinutes(5);

    readonly AttemptSignals _signals = new();
    ILedger _ledger = null!;
    IEpochs _epochs = null!;
    IAuthorityStore _authority = null!;
    LeaderEpoch _epoch = null!;
    AttemptService _attempts = null!;

    private protected abstract Task<(ILedger Ledger, IEpochs Epochs, IAuthorityStore Authority)> OpenAsync();

    public async Task InitializeAsync()
    {
        (_ledger, _epochs, _authority) = await OpenAsync();
        _epoch = (await _epochs.TryAcquireAsync("controllers", "a", Ttl, Ct))!;
        _attempts = new AttemptService(_ledger, new Random(1), _signals);
    }

    public virtual Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task A_role_has_one_holder_until_it_is_silent_or_releases_and_every_taking_is_a_new_epoch()
    {
        (await _epochs.TryAcquireAsync("controllers", "b", Ttl, Ct)).ShouldBeNull();
        (await _epochs.RenewAsync(_epoch, Ct)).ShouldBeTrue();
        await _epochs.ReleaseAsync(_epoch, Ct);
        var second = (await _epochs.TryAcquireAsync("controllers", "b", Ttl, Ct))!;
        second.Epoch.ShouldBe(_epoch.Epoch + 1);
        (await _epochs.RenewAsync(_epoch, Ct)).ShouldBeFalse();
        var restarted = (await _epochs.TryAcquireAsync("controllers", "b", Ttl, Ct))!;
        restarted.Epoch.ShouldBe(second.Epoch + 1);
        (await _epochs.TryAcquireAsync("controllers", "a", TimeSpan.FromTicks(10), Ct))!.Epoch.ShouldBe(restarted.Epoch + 1);
    }

    [Fact]
    public async Task A_commit_of_an_older_epoch_is_refused_and_changes_nothing()
    {
        await DevicesAsync("sw-0");
        await RequestAsync("lease-a");
        await _epochs.TryAcquireAsync("controllers", "a", Ttl, Ct);
        await Should.ThrowAsync<LeadershipLostException>(() => LeaseAsync("lease-a", new LeaseCommand.Grant(Slot("sw-0"))));
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Free);
        (await _ledger.LoadLeaseAsync("lease-a", Ct)).Version.ShouldBe(1);
    }

    [Fact]
    public async Task A_stream_that_moved_on_is_a_conflict_and_changes_nothing()
    {
        await DevicesAsync("sw-0");
        await RequestAsync("lease-a");
        var before = await _ledger.LoadLeaseAsync("lease-a", Ct);
        await LeaseAsync("lease-a", new LeaseCommand.GiveUp("test"));
        var grant = Decided(before.State, new LeaseCommand.Grant(await SlotAsync("sw-0")));
        await Should.ThrowAsync<LedgerConflictException>(() => CommitAsync(new LeaseChange("lease-a", before, grant)));
        (await SlotAsync("sw-0")).ShouldSatisfyAllConditions(s => s.State.ShouldBe(SlotState.Free), s => s.Token.ShouldBe(0));
    }

    [Fact]
    public async Task A_slot_is_granted_once_and_of_a_round_all_or_none()
    {
        await DevicesAsync("sw-0", "sw-1");
        var (zero, one) = (await SlotAsync("sw-0"), await SlotAsync("sw-1"));
        foreach (var uid in new[] { "lease-a", "lease-b", "lease-c" })
            await RequestAsync(uid);
        await LeaseAsync("lease-a", new LeaseCommand.Grant(zero));
        var (b, c) = (await _ledger.LoadLeaseAsync("lease-b", Ct), await _ledger.LoadLeaseAsync("lease-c", Ct));
        await Should.ThrowAsync<LedgerConflictException>(() => CommitAsync(
            new LeaseChange("lease-b", b, Decided(b.State, new LeaseCommand.Grant(one))),
            new LeaseChange("lease-c", c, Decided(c.State, new LeaseCommand.Grant(zero)))));
        (await SlotAsync("sw-1")).State.ShouldBe(SlotState.Free);
        (await SlotAsync("sw-0")).ShouldSatisfyAllConditions(s => s.LeaseUid.ShouldBe("lease-a"), s => s.Token.ShouldBe(1));
    }

    [Fact]
    public async Task A_clean_release_frees_at_once_and_keeps_the_token()
    {
        await DevicesAsync("sw-0");
        await RequestAsync("lease-a");
        await LeaseAsync("lease-a", new LeaseCommand.Grant(await SlotAsync("sw-0")));
        await LeaseAsync("lease-a", new LeaseCommand.Release(1, "test"));
        (await SlotAsync("sw-0")).ShouldSatisfyAllConditions(
            s => s.State.ShouldBe(SlotState.Free), s => s.Token.ShouldBe(1), s => s.LeaseUid.ShouldBeNull());
    }

    [Fact]
    public async Task A_slot_whose_device_the_kubelet_handed_out_is_free_when_its_pod_has_ended_and_not_before()
    {
        var fence = await RunningAsync("Gpu", ByKubelet(), "GPU-x");
        (await _attempts.CompleteAsync(fence, Given.Result(), "test", Ct)).Refusal.ShouldBeNull();
        (await _ledger.LoadTaskAsync(fence.TaskUid, Ct)).State.Phase.ShouldBe(TaskPhase.Succeeded);
        var slot = await SlotAsync("sw-0");
        (slot.State, slot.IsReleasing, slot.LeaseUid).ShouldBe((SlotState.Quarantined, true, fence.LeaseUid));
        (await _ledger.ReadHeldSlotsAsync("node-1", Ct)).ShouldHaveSingleItem().Slot.IsReleasing.ShouldBeTrue();
        await RequestAsync("lease-b");
        await Should.ThrowAsync<LedgerConflictException>(
            () => LeaseAsync("lease-b", new LeaseCommand.Grant(slot with { State = SlotState.Free })));
        (await _attempts.CompleteAsync(fence, Given.Result(), "test", Ct)).ShouldSatisfyAllConditions(
            p => p.Refusal.ShouldBeNull(), p => p.ChangesNothing.ShouldBeTrue());

        await _attempts.PodEndedAsync(fence, new PodEnd(true, 0, false, "ended", "terminated"), _epoch, Ct);
        (await SlotAsync("sw-0")).ShouldSatisfyAllConditions(s => s.State.ShouldBe(SlotState.Free), s => s.Token.ShouldBe(1));
        (await _ledger.ReadDeviceHistoryAsync("sw-0", 10, Ct)).Select(h => h.Type).ShouldBe([
            "device_discovered", "lease_requested", "lease_granted", "lease_attached", "device_bound", "lease_released", "slot_quarantined",
            "slot_freed"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_device_is_bound_to_one_holder_until_its_slot_is_anothers_and_where_it_is_shared_to_several()
    {
        await DevicesAsync("sw-0", "sw-1", "sw-2");
        (await _ledger.FindBoundAsync("GPU-x", Ct)).ShouldBeNull();
        await BoundAsync("lease-a", "sw-0", "GPU-x");
        var bound = (await _ledger.FindBoundAsync("GPU-x", Ct))!;
        (bound.Slot.LeaseUid, bound.Lease, bound.Slot.Key.Device).ShouldBe(("lease-a", "default/lease-a", "sw-0"));
        await Should.ThrowAsync<LedgerConflictException>(() => BoundAsync("lease-b", "sw-1", "GPU-x"));
        (await _ledger.LoadLeaseAsync("lease-b", Ct)).State.Attachment.ShouldBeNull();
        (await _ledger.ReadDeviceHistoryAsync("sw-1", 10, Ct)).ShouldNotContain(h => h.Type == "device_bound");
        await BoundAsync("lease-c", "sw-2", "GPU-x", isShared: true);

        await LeaseAsync("lease-c", new LeaseCommand.Release(1, "test"));
        await LeaseAsync("lease-a", new LeaseCommand.Release(1, "test"));
        (await _ledger.FindBoundAsync("GPU-x", Ct)).ShouldBeNull();
        await LeaseAsync("lease-b", new LeaseCommand.Attach("pod-b", "node-1", 1, DeviceUuid: "GPU-x"));
        await LeaseAsync("lease-a", new LeaseCommand.Free(FreeProof.ContainersTerminated, "ended"));
        await BoundAsync("lease-d", "sw-0", "GPU-y");
        (await _ledger.FindBoundAsync("GPU-x", Ct))!.Slot.LeaseUid.ShouldBe("lease-b");
    }

    [Fact]
    public async Task Two_workers_with_one_device_are_told_apart_from_one_that_comes_right_after_the_other()
    {
        var first = await RunningAsync("Gpu", ByKubelet(), "GPU-x");
        await _ledger.SyncDevicesAsync(
            "default", [Slot("sw-0") with { DeviceKind = "Gpu" }, Slot("sw-1") with { DeviceKind = "Gpu" }], _epoch, Ct);
        await TaskAsync(new TaskCommand.Accept((TaskAccepted)Given.Accepted()[0] with { TaskUid = "task-b", Name = "other" }), "task-b");
        await RequestAsync("lease-b", task: "task-b", terms: ByKubelet());
        await LeaseAsync("lease-b", new LeaseCommand.Grant(await SlotAsync("sw-1")));
        await TaskAsync(new TaskCommand.Start(new AttemptStarted(0, 1, "other-1", "pod-b", "lease-b", 1, "node-1", "sw-1")), "task-b");
        var second = new AttemptFence("task-b", 0, 1, "pod-b", "lease-b", 1);
        var bindings = new DeviceBindings(_ledger, _attempts, NullLogger.Instance);
        Task<string?> Seen(AttemptFence fence, params string[] ids) => bindings.SeenAsync(fence, ids, "test", Ct);

        (await Seen(first, "GPU-x")).ShouldBeNull("it is attached, and bound, already");
        (await Seen(second, "GPU-y")).ShouldBe("GPU-y");
        (await Seen(second)).ShouldBeNull();
        (await Seen(second, "GPU-y", "GPU-z")).ShouldBeNull("nobody knows which it will use");
        (await Seen(second, "GPU y")).ShouldBeNull();
        await BeatAsync(first, 1);
        (await Should.ThrowAsync<HttpProblem>(() => Seen(second, "GPU-x"))).Reason.ShouldBe("TooEarly");
        (await Should.ThrowAsync<HttpProblem>(() => Seen(second, "GPU-x"))).Reason.ShouldBe("TooEarly");
        (await _ledger.LoadLeaseAsync("lease-b", Ct)).State.IsGranted.ShouldBeTrue();

        await BeatAsync(first, 2);
        var conflict = await Should.ThrowAsync<HttpProblem>(() => Seen(second, "GPU-x"));
        conflict.Reason.ShouldBe("DeviceConflict");
        conflict.Message.ShouldContain("device GPU-x to lease default/1111aaaa");
        var lease = (await _ledger.LoadLeaseAsync("lease-b", Ct)).State;
        (lease.Phase, lease.SlotQuarantined, lease.Attachment).ShouldBe((LeasePhase.Revoked, true, null));
        var scene = (await _ledger.LoadTaskAsync("task-b", Ct)).State.Scenes[0];
        (scene.Attempt, scene.Failures, scene.Returns).ShouldBe((2, 0, 1));
        (await _ledger.LoadDeviceAsync("node-1", "sw-1", Ct)).State.ShouldSatisfyAllConditions(
            d => d.Fitness.ShouldBe(DeviceFitness.Degraded), d => d.Reason!.ShouldContain("GPU-x"));
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Granted, "the first one works on");
        (await _attempts.AttachAsync(second, "node-1", "0.1.0", "test", Ct)).Refusal!.Reason.ShouldBe("StaleHolder");
        await _attempts.PodEndedAsync(second, new PodEnd(true, 1, false, "ended", "terminated"), _epoch, Ct);
        (await SlotAsync("sw-1")).State.ShouldBe(SlotState.Free);
    }

    static LeaseTerms ByKubelet(bool isShared = false) => Probed with { DevicePlugin = new DevicePluginTerms("nvidia.com/gpu", isShared) };

    async Task BoundAsync(string uid, string device, string uuid, bool isShared = false)
    {
        await RequestAsync(uid, terms: ByKubelet(isShared));
        await LeaseAsync(uid, new LeaseCommand.Grant(await SlotAsync(device)));
        await LeaseAsync(uid, new LeaseCommand.Attach($"pod of {uid}", "node-1", (await SlotAsync(device)).Token, DeviceUuid: uuid));
    }

    /// <summary>500 nodes that came at once were never known: their statements were more than one session may hold.</summary>
    [Fact]
    public async Task Any_number_of_devices_becomes_known_changes_and_goes_at_once()
    {
        var all = Enumerable.Range(0, 1_100).Select(i => $"sw-{i}").ToArray();
        await DevicesAsync(all);
        (await _ledger.ReadPoolAsync("default", Ct)).Slots.Count.ShouldBe(1_100);
        var cordoned = new DeviceTraits(0, 0, 0, "Cordoned", "by hand");
        await _ledger.SyncDevicesAsync("default", [.. all.Select(id => Slot(id) with { Traits = cordoned })], _epoch, Ct);
        (await _ledger.ReadPoolAsync("default", Ct)).Slots.ShouldAllBe(s => s.Traits == cordoned);
        await DevicesAsync("sw-7");
        (await SlotAsync("sw-7")).Traits.ShouldBe(DeviceTraits.Unknown);
        (await _ledger.ReadPoolAsync("default", Ct)).Slots.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Devices_keep_their_token_when_they_vanish_and_return_and_a_held_slot_never_vanishes()
    {
        await DevicesAsync("sw-0", "sw-1");
        await RequestAsync("lease-a");
        await LeaseAsync("lease-a", new LeaseCommand.Grant(await SlotAsync("sw-0")));
        await DevicesAsync("sw-1");
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Granted);
        await LeaseAsync("lease-a", new LeaseCommand.Release(1, "test"));
        await DevicesAsync("sw-1");
        (await _ledger.ReadPoolAsync("default", Ct)).Slots.ShouldHaveSingleItem();
        await DevicesAsync("sw-0", "sw-1");
        (await SlotAsync("sw-0")).Token.ShouldBe(1);
    }

    [Fact]
    public async Task A_slot_out_of_service_is_not_granted()
    {
        await _ledger.SyncDevicesAsync(
            "default", [Slot("sw-0") with { Traits = new DeviceTraits(0, 0, 0, "Cordoned", "by hand") }], _epoch, Ct);
        await RequestAsync("lease-a");
        var slot = await SlotAsync("sw-0");
        slot.Traits.OutOfService.ShouldBe("Cordoned");
        await Should.ThrowAsync<LedgerConflictException>(
            () => LeaseAsync("lease-a", new LeaseCommand.Grant(slot with { Traits = DeviceTraits.Unknown })));
        await DevicesAsync("sw-0");
        await LeaseAsync("lease-a", new LeaseCommand.Grant(await SlotAsync("sw-0")));
        (await _ledger.ReadDeviceHistoryAsync("sw-0", 10, Ct)).Select(h => h.Type).ShouldBe(
            ["device_discovered", "device_cordoned", "lease_requested", "device_returned", "lease_granted"]);
    }

    [Fact]
    public async Task A_degraded_device_gets_no_lease_and_one_on_probation_a_single_one()
    {
        SlotSnapshot[] slots = [Slot("gpu-0"), Slot("gpu-0") with { Key = new SlotKey("cluster", "node-1", "gpu-0", 1) }];
        await _ledger.SyncDevicesAsync("default", slots, _epoch, Ct);
        await RequestAsync("lease-a");
        await RequestAsync("lease-b");
        (await _ledger.ReadDevicesAsync(Ct)).ShouldBeEmpty();
        var before = await _ledger.LoadDeviceAsync("node-1", "gpu-0", Ct);
        (before.Version, before.State.Fitness).ShouldBe((0, DeviceFitness.Healthy));
        await DeviceAsync(before, new DeviceDegraded("node-1", "gpu-0", "foreign process 7", DegradedBy.Probe, 1, "lease-x", 600));
        await Should.ThrowAsync<LedgerConflictException>(() => DeviceAsync(before, new DeviceOnProbation("node-1", "gpu-0", "late")));

        var degraded = await _ledger.LoadDeviceAsync("node-1", "gpu-0", Ct);
        (degraded.Version, degraded.State.By, degraded.State.Failures, degraded.State.Reason)
            .ShouldBe((1, DegradedBy.Probe, 1, "foreign process 7"));
        degraded.State.Since!.Value.ShouldBe(degraded.DatabaseNow, TimeSpan.FromSeconds(30));
        var seen = (await _ledger.ReadPoolAsync("default", Ct)).Slots[0];
        (seen.Traits.OutOfService, seen.Traits.Reason).ShouldBe(("Degraded", "foreign process 7"));
        await Should.ThrowAsync<LedgerConflictException>(() => LeaseAsync("lease-a", new LeaseCommand.Grant(slots[0])));
        await _ledger.SyncDevicesAsync("default", slots, _epoch, Ct);
        (await _ledger.ReadPoolAsync("default", Ct)).Slots.ShouldAllBe(s => s.Traits.OutOfService == "Degraded");

        await DeviceAsync(degraded, new DeviceOnProbation("node-1", "gpu-0", "tried again"));
        (await _ledger.ReadQueueAsync("default", 10, Ct)).Slots.ShouldAllBe(s => s.Traits.OnProbation && s.Traits.OutOfService == null);
        await LeaseAsync("lease-a", new LeaseCommand.Grant(slots[0]));
        await Should.ThrowAsync<LedgerConflictException>(() => LeaseAsync("lease-b", new LeaseCommand.Grant(slots[1])));

        var tried = (await _ledger.ReadDevicesAsync(Ct)).ShouldHaveSingleItem();
        await DeviceAsync(tried, new DeviceReturned("node-1", "gpu-0", 0, "ProbedClean", "lease-a"));
        await LeaseAsync("lease-b", new LeaseCommand.Grant(slots[1]));
        (await _ledger.LoadDeviceAsync("node-1", "gpu-0", Ct)).State.ShouldSatisfyAllConditions(
            h => h.Fitness.ShouldBe(DeviceFitness.Healthy), h => h.Failures.ShouldBe(0), h => h.Reason.ShouldBeNull(),
            h => h.By.ShouldBeNull());
        (await _ledger.ReadDeviceHistoryAsync("gpu-0", 10, Ct)).Where(h => h.Stream.StartsWith("device-", StringComparison.Ordinal))
            .Select(h => h.Type).ShouldBe(["device_discovered", "device_degraded", "device_on_probation", "device_returned"]);
    }

    Task DeviceAsync(Loaded<DeviceHealth> before, IDeviceEvent e) =>
        _ledger.CommitAsync(new LedgerCommit("test", [], [], _epoch) { Devices = [new DeviceChange(before, [e])] }, Ct);

    [Fact]
    public async Task An_attempt_goes_from_grant_to_commit_and_its_history_is_in_order()
    {
        var fence = await RunningAsync();
        (await BeatAsync(fence, 1)).ShouldBeOfType<BeatOutcome.Taken>().TimeoutSeconds.ShouldBe(300);
        (await BeatAsync(fence, 1)).ShouldBeOfType<BeatOutcome.Repeated>();
        (await _ledger.ReadProgressAsync(fence.TaskUid, Ct)).Single().Frames.ShouldBe(10);
        (await _attempts.CompleteAsync(fence, Given.Result(), "test", Ct)).Refusal.ShouldBeNull();
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Free);
        var history = await _ledger.ReadTaskHistoryAsync(fence.TaskUid, Ct);
        history.Select(h => h.Type).ShouldBe([
            "task_accepted", "task_admitted", "scene_queued", "lease_requested", "lease_granted", "attempt_started", "lease_attached",
            "attempt_attached", "lease_released", "scene_committed", "output_committed", "task_succeeded"]);
        history.Select(h => h.Sequence).ShouldBeInOrder();
        (await BeatAsync(fence, 2)).ShouldBeOfType<BeatOutcome.Stale>().CurrentToken.ShouldBeNull();
    }

    [Theory]
    [InlineData("other-pod", 1L)]
    [InlineData(Given.PodUid, 2L)]
    public async Task A_beat_of_another_pod_or_token_is_stale(string podUid, long token)
    {
        var fence = await RunningAsync();
        (await BeatAsync(fence with { PodUid = podUid, Token = token }, 1)).ShouldBeOfType<BeatOutcome.Stale>();
    }

    [Fact]
    public async Task Expiry_puts_the_slot_into_quarantine_and_only_a_proof_frees_it()
    {
        var fence = await RunningAsync();
        await _attempts.ExpireAsync(fence, ExpiryCause.HeartbeatLost, "test", null, _epoch, Ct);
        var slot = await SlotAsync("sw-0");
        (slot.State, slot.Token, slot.LeaseUid).ShouldBe((SlotState.Quarantined, 1, fence.LeaseUid));
        (await BeatAsync(fence, 2)).ShouldBeOfType<BeatOutcome.Stale>().CurrentToken.ShouldBe(fence.Token);
        (await _attempts.CompleteAsync(fence, Given.Result(), "test", Ct)).Refusal!.Reason.ShouldBe("StaleHolder");
        await _attempts.PodEndedAsync(fence, new PodEnd(true, 137, false, "killed", "terminated"), _epoch, Ct);
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Free);
    }

    [Fact]
    public async Task Where_a_pool_detects_only_silence_is_told_the_attempt_goes_on_and_the_look_knows()
    {
        var fence = await RunningAsync(terms: Probed with { DetectOnly = true });
        var plan = await _attempts.ExpireAsync(
            fence, ExpiryCause.HeartbeatLost, "no beat", new SilenceSeen(fence.TaskUid, 0, 1, 0), _epoch, Ct);
        plan.Task.ShouldBeEmpty();
        plan.Lease.ShouldHaveSingleItem().ShouldBeOfType<LeaseDeadlockDetected>();
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Granted);
        var look = await _ledger.ReadLivenessAsync(Ct);
        look.Attached.ShouldHaveSingleItem().IsDetected.ShouldBeTrue();
        look.Held.ShouldHaveSingleItem().Times.IsToldAlready.ShouldBeTrue();
        (await _attempts.ExpireAsync(fence, ExpiryCause.HeartbeatLost, "no beat", null, _epoch, Ct)).ChangesNothing.ShouldBeTrue();
        (await BeatAsync(fence, 1)).ShouldBeOfType<BeatOutcome.Taken>();
        (await _attempts.RevokeAsync(fence, "anna", "it hangs", Ct)).Refusal.ShouldBeNull();
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Quarantined);
    }

    [Fact]
    public async Task A_beat_after_the_look_that_saw_silence_stops_the_expiry()
    {
        var fence = await RunningAsync();
        (await BeatAsync(fence, 1)).ShouldBeOfType<BeatOutcome.Taken>();
        var seen = new SilenceSeen(fence.TaskUid, fence.Scene, fence.Attempt, 1);
        (await BeatAsync(fence, 2)).ShouldBeOfType<BeatOutcome.Taken>();
        (await _attempts.ExpireAsync(fence, ExpiryCause.HeartbeatLost, "test", seen, _epoch, Ct)).ChangesNothing.ShouldBeTrue();
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Granted);
        var late = seen with { Sequence = 2 };
        (await _attempts.ExpireAsync(fence, ExpiryCause.HeartbeatLost, "test", late, _epoch, Ct)).ChangesNothing.ShouldBeFalse();
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Quarantined);
    }

    [Fact]
    public async Task The_look_shows_grants_before_the_attach_and_holders_after_it()
    {
        await DevicesAsync("sw-1");
        await RequestAsync("lease-a");
        await LeaseAsync("lease-a", new LeaseCommand.Grant(await SlotAsync("sw-1")));
        var unattached = (await _ledger.ReadLivenessAsync(Ct)).Unattached.ShouldHaveSingleItem();
        (unattached.LeaseUid, unattached.Attempt).ShouldBe(("lease-a", null));
        unattached.StartDeadlineSeconds.ShouldBe(Given.Terms.StartDeadlineSeconds);
        await LeaseAsync("lease-a", new LeaseCommand.Release(1, "test"));

        var fence = await RunningAsync();
        await BeatAsync(fence, 3);
        var look = await _ledger.ReadLivenessAsync(Ct);
        look.Unattached.ShouldBeEmpty();
        var attached = look.Attached.ShouldHaveSingleItem();
        (attached.PodUid, attached.Sequence, attached.TimeoutSeconds).ShouldBe((fence.PodUid, 3, 300));
        (attached.Pool, attached.Node).ShouldBe(("default", "node-1"));
        attached.SilentSeconds.ShouldBeInRange(0, 30);
        var held = look.Held.ShouldHaveSingleItem();
        (held.LeaseUid, held.Attempt!.PodUid, held.Moves, held.Times.Drain).ShouldBe((fence.LeaseUid, fence.PodUid, 1, null));
    }

    [Fact]
    public async Task A_lease_without_a_task_beats_by_itself_and_its_holder_alone_counts()
    {
        await HeldAsync("lease-a");
        (await BeatAsync("lease-a", "holder-1", 1, 1)).ShouldBeOfType<BeatOutcome.Taken>().TimeoutSeconds.ShouldBe(Given.Terms.HeartbeatTimeoutSeconds);
        (await BeatAsync("lease-a", "holder-1", 1, 1)).ShouldBeOfType<BeatOutcome.Repeated>();
        (await BeatAsync("lease-a", "holder-2", 1, 2)).ShouldBeOfType<BeatOutcome.Stale>().Why.ShouldContain("held by holder-1");
        (await BeatAsync("lease-a", "holder-1", 2, 2)).ShouldBeOfType<BeatOutcome.Stale>().CurrentToken.ShouldBe(1);
        var attached = (await _ledger.ReadLivenessAsync(Ct)).Attached.ShouldHaveSingleItem();
        (attached.TaskUid, attached.LeaseUid, attached.PodUid, attached.Sequence, attached.Pool, attached.Node)
            .ShouldBe((null, "lease-a", "holder-1", 1, "default", "node-1"));
        await LeaseAsync("lease-a", new LeaseCommand.Release(1, "exit code 0", "holder-1"));
        (await BeatAsync("lease-a", "holder-1", 1, 3)).ShouldBeOfType<BeatOutcome.Stale>().Why.ShouldBe("the lease is Released");
        (await _ledger.ReadLivenessAsync(Ct)).Attached.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_glance_shows_those_who_beat_or_attached_since_and_nobody_else()
    {
        await HeldAsync("lease-a");
        await BeatAsync("lease-a", "holder-1", 1, 5);
        var before = (await _ledger.ReadLivenessAsync(Ct)).DatabaseNow;
        var all = await _ledger.ReadBeatsAsync(before.AddMinutes(-1), Ct);
        all.DatabaseNow.ShouldBeGreaterThanOrEqualTo(before);
        all.Beaten.ShouldBe((await _ledger.ReadLivenessAsync(Ct)).Attached.Select(a => a with { SilentSeconds = all.Beaten[0].SilentSeconds }));
        (await _ledger.ReadBeatsAsync(all.DatabaseNow.AddMinutes(1), Ct)).Beaten.ShouldBeEmpty();
        await LeaseAsync("lease-a", new LeaseCommand.Release(1, "exit code 0", "holder-1"));
        (await _ledger.ReadBeatsAsync(before.AddMinutes(-1), Ct)).Beaten.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_attempt_that_attached_is_in_a_glance_before_its_first_beat()
    {
        var fence = await RunningAsync();
        var now = (await _ledger.ReadLivenessAsync(Ct)).DatabaseNow;
        (await _ledger.ReadBeatsAsync(now.AddMinutes(-1), Ct)).Beaten.ShouldHaveSingleItem().PodUid.ShouldBe(fence.PodUid);
    }

    [Fact]
    public async Task A_holder_that_never_told_of_progress_cannot_stall()
    {
        await HeldAsync("lease-a", Given.Terms with { Grades = new GradeTerms(0, 0, 0, 120, 30) });
        await BeatAsync("lease-a", "holder-1", 1, 1);
        (await HeldRowAsync()).ShouldSatisfyAllConditions(h => h.Moves.ShouldBe(0), h => h.Terms!.ProgressTimeoutSeconds.ShouldBe(0));
        await BeatAsync("lease-a", "holder-1", 1, 2, perMille: 10);
        (await HeldRowAsync()).ShouldSatisfyAllConditions(h => h.Moves.ShouldBe(1), h => h.Terms!.ProgressTimeoutSeconds.ShouldBe(120));
    }

    [Fact]
    public async Task A_holder_that_is_to_end_hears_it_with_its_beat()
    {
        await HeldAsync("lease-a");
        await LeaseAsync("lease-a", new LeaseCommand.Drain(DrainCause.DeviceDrained, "by hand"));
        var drain = (await BeatAsync("lease-a", "holder-1", 1, 1)).ShouldBeOfType<BeatOutcome.Taken>().Drain!;
        (drain.GraceSeconds, drain.Why).ShouldBe((30, "by hand"));
        (await HeldRowAsync()).Times.DrainDeliveredAt.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_holders_beat_after_the_look_that_saw_silence_stops_the_expiry()
    {
        await HeldAsync("lease-a");
        await BeatAsync("lease-a", "holder-1", 1, 7);
        var leases = new LeaseService(_ledger, _signals);
        LeaseCommand.Expire expire = new(ExpiryCause.HeartbeatLost, "test", "holder-1");
        var seen = new SilenceSeen(null, 0, 0, 6, "lease-a");
        (await leases.ChangeAsync("lease-a", "test", _epoch, _ => [expire], Ct, seen)).Events.ShouldBeEmpty();
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Granted);
        await leases.ChangeAsync("lease-a", "test", _epoch, _ => [expire], Ct, seen with { Sequence = 7 });
        (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Quarantined);
    }

    async Task HeldAsync(string uid, LeaseTerms? terms = null)
    {
        await DevicesAsync("sw-0");
        await LeaseAsync(
            uid, new LeaseCommand.Request(new LeaseRequested(uid, "default", uid, "default", "by hand", null, 0, 0, terms ?? Given.Terms)));
        await LeaseAsync(uid, new LeaseCommand.Grant(await SlotAsync("sw-0")));
        await LeaseAsync(uid, new LeaseCommand.Attach("holder-1", "node-1", 1));
    }

    Task<BeatOutcome> BeatAsync(string lease, string holder, long token, long sequence, int perMille = 0) =>
        _ledger.BeatHolderAsync(new HolderBeat(lease, holder, token, sequence, perMille, null), Ct);

    async Task<HeldRow> HeldRowAsync() => (await _ledger.ReadLivenessAsync(Ct)).Held.ShouldHaveSingleItem();

    [Fact]
    public async Task A_beat_that_moves_nothing_is_no_progress()
    {
        var fence = await RunningAsync();
        for (var sequence = 1; sequence <= 3; sequence++)
            await BeatAsync(fence, sequence);
        (await _ledger.ReadLivenessAsync(Ct)).Held.ShouldHaveSingleItem().Moves.ShouldBe(1);
    }

    [Fact]
    public async Task The_queue_is_sorted_by_points_and_shows_who_waits_for_what()
    {
        await RequestAsync("lease-a");
        await RequestAsync("lease-b", new LeaseClaim("acme", 5, 0, 0));
        await RequestAsync("lease-c", new LeaseClaim("acme", 0, 0, 0, new DeviceNeed(8000, 0, 0)));
        var queue = await _ledger.ReadQueueAsync("default", 10, Ct);
        queue.Groups.Select(g => (g.Tenant, g.Need.VramMiB, string.Join(",", g.Heads.Select(h => h.LeaseUid)))).ShouldBe(
            [("", 0, "lease-a"), ("acme", 0, "lease-b"), ("acme", 8000, "lease-c")]);
        (await _ledger.FindWaitAsync("lease-b", Ct))!.Position.ShouldBe(1);
        (await _ledger.FindWaitAsync("lease-c", Ct))!.ShouldSatisfyAllConditions(w => w.Position.ShouldBe(3), w => w.Length.ShouldBe(3));
        (await _ledger.ReadPoolAsync("default", Ct)).Waiting.ShouldBe(3);
        await LeaseAsync("lease-b", new LeaseCommand.GiveUp("test"));
        (await _ledger.FindWaitAsync("lease-b", Ct)).ShouldBeNull();
        (await _ledger.FindByNameAsync("lease", "default", "lease-b", Ct))!.Uid.ShouldBe("lease-b");
    }

    [Fact]
    public async Task Only_the_first_of_a_queue_are_told_their_place_and_its_length()
    {
        var last = WaitRow.LastPosition + 1;
        for (var i = 1; i <= last; i++)
            await RequestAsync($"lease-{i:D2}");
        (await _ledger.FindWaitAsync($"lease-{last - 1:D2}", Ct)).ShouldBe(new WaitRow(null, null, last - 1, last));
        (await _ledger.FindWaitAsync($"lease-{last:D2}", Ct)).ShouldBe(new WaitRow(null, null, null, null));
    }

    [Fact]
    public async Task Tasks_that_have_not_ended_are_read_page_by_page()
    {
        var fence = await RunningAsync();
        (await _ledger.ReadRunningTasksAsync("", 1, Ct)).ShouldHaveSingleItem().Uid.ShouldBe(fence.TaskUid);
        (await _ledger.ReadRunningTasksAsync(fence.TaskUid, 1, Ct)).ShouldBeEmpty();
    }

    Task DevicesAsync(params string[] ids) => _ledger.SyncDevicesAsync("default", [.. ids.Select(Slot)], _epoch, Ct);

    static SlotSnapshot Slot(string id) =>
        new(new SlotKey("cluster", "node-1", id, 0), "default", SlotState.Free, 0, null, "software slot", "Software", 0);

    async Task<SlotSnapshot> SlotAsync(string id) => (await _ledger.ReadPoolAsync("default", Ct)).Slots.Single(s => s.Key.Device == id);

    Task RequestAsync(string uid, LeaseClaim? claim = null, string? task = null, LeaseTerms? terms = null) => LeaseAsync(
        uid,
        new LeaseCommand.Request(new LeaseRequested(uid, "default", uid, "default", "test", task, 0, 1, terms ?? Given.Terms, claim)));

    static IReadOnlyList<ILeaseEvent> Decided(LeaseState state, LeaseCommand command) =>
        LeaseDecider.Decide(state, command).ShouldBeOfType<Decision<ILeaseEvent>.Events>().Items;

    Task CommitAsync(params LeaseChange[] changes) => _ledger.CommitAsync(new LedgerCommit("test", [], changes, _epoch), Ct);

    async Task LeaseAsync(string uid, LeaseCommand command)
    {
        var loaded = await _ledger.LoadLeaseAsync(uid, Ct);
        await CommitAsync(new LeaseChange(uid, loaded, Decided(loaded.State, command)));
    }

    [Fact]
    public async Task A_device_that_its_worker_left_dirty_is_degraded_with_the_result_and_once()
    {
        var fence = await RunningAsync("Gpu");
        var look = new DeviceLook("after the work: foreign process 7", true);
        var plan = await _attempts.CompleteAsync(fence, Given.Result(), "test", Ct, look);
        plan.Device.ShouldHaveSingleItem().ShouldBeOfType<DeviceDegraded>().LeaseUid.ShouldBe(fence.LeaseUid);
        (await _ledger.LoadTaskAsync(fence.TaskUid, Ct)).State.Phase.ShouldBe(TaskPhase.Succeeded);
        (await SlotAsync("sw-0")).ShouldSatisfyAllConditions(
            s => s.State.ShouldBe(SlotState.Free), s => s.Traits.OutOfService.ShouldBe("Degraded"));
        (await _attempts.CompleteAsync(fence, Given.Result(), "test", Ct, look)).ShouldSatisfyAllConditions(
            p => p.Refusal.ShouldBeNull(), p => p.Device.ShouldBeEmpty());
        (await _ledger.ReadDevicesAsync(Ct)).ShouldHaveSingleItem().Version.ShouldBe(1);
    }

    [Fact]
    public async Task An_attempt_that_found_its_device_dirty_is_returned_uncounted_and_the_first_clean_one_takes_a_device_back()
    {
        var fence = await RunningAsync("Gpu");
        var look = new DeviceLook("before the work: foreign process 7", true);
        (await _attempts.DeviceDirtyAsync(fence, "dirty", look, "test", Ct)).Refusal.ShouldBeNull();
        (await _attempts.DeviceDirtyAsync(fence, "dirty", look, "test", Ct)).ShouldSatisfyAllConditions(
            p => p.Refusal.ShouldBeNull(), p => p.ChangesNothing.ShouldBeTrue());
        var scene = (await _ledger.LoadTaskAsync(fence.TaskUid, Ct)).State.Scenes[0];
        (scene.Attempt, scene.Failures, scene.Returns).ShouldBe((2, 0, 1));
        (await _ledger.LoadLeaseAsync(fence.LeaseUid!, Ct)).State.Phase.ShouldBe(LeasePhase.Released);

        var degraded = (await _ledger.ReadDevicesAsync(Ct)).ShouldHaveSingleItem();
        degraded.State.By.ShouldBe(DegradedBy.Probe);
        await DeviceAsync(degraded, new DeviceOnProbation("node-1", "sw-0", "tried again"));
        await RequestAsync("lease-b", task: fence.TaskUid, terms: Probed);
        await LeaseAsync("lease-b", new LeaseCommand.Grant(await SlotAsync("sw-0")));
        await TaskAsync(new TaskCommand.Start(new AttemptStarted(0, 2, "clip-2", "pod-b", "lease-b", 2, "node-1", "sw-0")));
        var second = new AttemptFence(fence.TaskUid, 0, 2, "pod-b", "lease-b", 2);
        (await _attempts.AttachAsync(second, "node-1", "0.1.0", "test", Ct)).Refusal.ShouldBeNull();
        var plan = await _attempts.CompleteAsync(second, Given.Result(), "test", Ct, new DeviceLook(null, true));
        plan.Device.ShouldHaveSingleItem().ShouldBeOfType<DeviceReturned>().Proof.ShouldBe("ProbedClean");
        (await _ledger.ReadDevicesAsync(Ct)).ShouldHaveSingleItem().State.Fitness.ShouldBe(DeviceFitness.Healthy);
    }

    static readonly LeaseTerms Probed = Given.Terms with { Probe = new DeviceProbeTerms(512, 600, true) };

    async Task<AttemptFence> RunningAsync(string kind = "Software", LeaseTerms? terms = null, string? uuid = null)
    {
        await _ledger.SyncDevicesAsync("default", [Slot("sw-0") with { DeviceKind = kind }], _epoch, Ct);
        var accepted = (TaskAccepted)Given.Accepted()[0];
        await TaskAsync(new TaskCommand.Accept(accepted));
        await RequestAsync(Given.LeaseUid, task: Given.TaskUid, terms: terms ?? Probed);
        await LeaseAsync(Given.LeaseUid, new LeaseCommand.Grant(await SlotAsync("sw-0")));
        await TaskAsync(new TaskCommand.Start(new AttemptStarted(0, 1, "clip-1", Given.PodUid, Given.LeaseUid, 1, "node-1", "sw-0")));
        var fence = Given.Fence(token: 1);
        (await _ledger.FindAttemptByPodAsync(Given.PodUid, Ct))!.LeaseUid.ShouldBe(Given.LeaseUid);
        (await _attempts.AttachAsync(fence, "node-1", "0.1.0", "test", Ct, deviceUuid: uuid)).Refusal.ShouldBeNull();
        return fence;
    }

    async Task TaskAsync(TaskCommand command, string uid = Given.TaskUid)
    {
        var loaded = await _ledger.LoadTaskAsync(uid, Ct);
        var events = TaskDecider.Decide(loaded.State, command).ShouldBeOfType<Decision<ITaskEvent>.Events>().Items;
        await _ledger.CommitAsync(new LedgerCommit("test", [new TaskChange(uid, loaded, events)], [], _epoch), Ct);
    }

    Task<BeatOutcome> BeatAsync(AttemptFence f, long sequence) => _ledger.BeatAsync(
        new Heartbeat(
            f.TaskUid, f.Scene, f.Attempt, f.PodUid, f.LeaseUid, f.Token, sequence, "Running", 10, 100, 25000, 1000, 100, 5, null), Ct);
}
