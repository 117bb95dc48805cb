using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Attempts;

namespace Framelease.Operator.Tests.Attempts;

public sealed class AttemptPlanTests
{
    static readonly TaskState Running = Given.Task([.. Given.Accepted(), .. Given.Started(), .. Given.Attached()]);
    static readonly LeaseState Held = Given.Lease([.. Given.Granted(), .. Given.Held()]);

    [Fact]
    public void Attach_is_recorded_on_both_streams()
    {
        var plan = AttemptPlan.Attach(
            Given.Task([.. Given.Accepted(), .. Given.Started()]), Given.Lease(Given.Granted()), Given.Fence(), "node-1", "0.1.0");
        plan.Task.ShouldBe([new AttemptAttached(0, 1, Given.PodUid, "0.1.0")]);
        plan.Lease.ShouldBe([new LeaseAttached(Given.PodUid, "node-1")]);
    }

    [Fact]
    public void What_a_kubelet_handed_out_to_a_pod_is_not_free_because_nobody_attached()
    {
        var byKubelet = Given.Terms with { DevicePlugin = new DevicePluginTerms("nvidia.com/gpu") };
        var started = Given.Task([.. Given.Accepted(), .. Given.Started()]);
        var granted = Given.Lease([Given.Granted()[0], (LeaseGranted)Given.Granted()[1] with { Terms = byKubelet }]);
        var plan = AttemptPlan.Expire(started, granted, Given.Fence(), ExpiryCause.StartDeadline, "late", 1);
        plan.Lease.Select(e => e.GetType()).ShouldBe([typeof(LeaseExpired), typeof(SlotQuarantined)]);
        AttemptPlan.Revoke(started, granted, Given.Fence(), "anna", "why", 1).Lease.ShouldNotContain(e => e is SlotFreed);
        var ended = Given.Lease([.. new[] { Given.Granted()[0], granted.Grant! }, .. plan.Lease]);
        AttemptPlan.PodEnded(Given.Task([.. Given.Accepted(), .. Given.Started(), .. plan.Task]), ended, Given.Fence(),
            new PodEnd(false, null, false, "never started", "no container"), 1).Lease.ShouldHaveSingleItem().ShouldBeOfType<SlotFreed>()
            .Proof.ShouldBe(FreeProof.NeverStarted);
    }

    [Fact]
    public void A_change_of_authority_ends_the_attempt_with_its_lease_and_proves_nothing_of_the_slot()
    {
        var plan = AttemptPlan.AuthorityChanged(Running, Held, Given.Fence(), "another database", 1);
        plan.Task.OfType<AttemptFailed>().ShouldHaveSingleItem().Reason.ShouldBe("AuthorityChanged");
        plan.Lease.Select(e => e.GetType()).ShouldBe([typeof(LeaseRevoked), typeof(SlotQuarantined)]);
        // Whether somebody attached may be in the part of the history that was lost.
        var started = Given.Task([.. Given.Accepted(), .. Given.Started()]);
        var unattached = AttemptPlan.AuthorityChanged(started, Given.Lease(Given.Granted()), Given.Fence(), "another database", 1);
        unattached.Task.ShouldContain(e => e is AttemptReturned);
        unattached.Lease.ShouldNotContain(e => e is SlotFreed);
    }

    [Fact]
    public void A_repeated_attach_changes_nothing() =>
        AttemptPlan.Attach(Running, Held, Given.Fence(), "node-1", "0.1.0").ChangesNothing.ShouldBeTrue();

    [Fact]
    public void A_complete_commits_the_scene_and_frees_the_slot_in_one_plan()
    {
        var plan = AttemptPlan.Complete(Running, Held, Given.Fence(), Given.Result());
        plan.Task.Select(e => e.GetType()).ShouldBe([typeof(SceneCommitted), typeof(OutputCommitted), typeof(TaskSucceeded)]);
        plan.Lease.ShouldBe([new LeaseReleased("Completed")]);
    }

    [Fact]
    public void A_complete_after_the_lease_expired_is_refused_and_touches_neither_stream()
    {
        var expired = Given.Lease([.. Given.Granted(), .. Given.Held(), new LeaseExpired(ExpiryCause.HeartbeatLost, "")]);
        var plan = AttemptPlan.Complete(Running, expired, Given.Fence(), Given.Result());
        plan.Refusal!.Reason.ShouldBe("StaleHolder");
        plan.ChangesNothing.ShouldBeTrue();
    }

    [Fact]
    public void A_complete_under_an_old_token_is_refused() =>
        AttemptPlan.Complete(Running, Held, Given.Fence(token: 6), Given.Result()).Refusal!.Reason.ShouldBe("StaleHolder");

    [Fact]
    public void A_repeated_complete_is_answered_although_the_slot_is_another_holders_by_now()
    {
        var done = Given.Task([
            .. Given.Accepted(), .. Given.Started(), .. Given.Attached(), new SceneCommitted(0, 1, Given.PodUid, 7, Given.Result()), new TaskSucceeded()]);
        var released = Given.Lease([.. Given.Granted(), .. Given.Held(), new LeaseReleased("Completed")]);
        var plan = AttemptPlan.Complete(done, released, Given.Fence(), Given.Result());
        plan.Refusal.ShouldBeNull();
        plan.ChangesNothing.ShouldBeTrue();
    }

    [Fact]
    public void A_repeated_complete_with_another_digest_conflicts()
    {
        var done = Given.Task([.. Given.Accepted(), .. Given.Started(), .. Given.Attached(), new SceneCommitted(0, 1, Given.PodUid, 7, Given.Result())]);
        AttemptPlan.Complete(done, Held, Given.Fence(), Given.Result("other")).Refusal!.Reason.ShouldBe("ConflictingResult");
    }

    [Fact]
    public void A_failure_that_cannot_be_helped_gives_the_slot_back_and_ends_the_task()
    {
        var failure = new AttemptFailed(0, 1, Given.PodUid, "Input", "InputNotVideo", "text", false, null);
        var plan = AttemptPlan.Fail(Running, Held, Given.Fence(), failure, 3);
        plan.Task.ShouldBe([failure, new TaskFailed("InputNotVideo", "text")]);
        plan.Lease.ShouldBe([new LeaseReleased("InputNotVideo")]);
    }

    [Fact]
    public void A_retryable_failure_queues_the_next_attempt_with_its_back_off()
    {
        var failure = new AttemptFailed(0, 1, Given.PodUid, "Engine", "EngineFailed", "exit 1", true, null);
        AttemptPlan.Fail(Running, Held, Given.Fence(), failure, 3).Task.ShouldBe([failure, new SceneQueued(0, 2, 3)]);
    }

    [Fact]
    public void A_worker_that_died_is_quarantined_and_freed_by_the_same_proof()
    {
        var plan = AttemptPlan.PodEnded(Running, Held, Given.Fence(), new PodEnd(true, 137, false, "killed", "container worker terminated"), 1);
        plan.Task.Select(e => e.GetType()).ShouldBe([typeof(AttemptFailed), typeof(SceneQueued)]);
        plan.Lease.ShouldBe([
            new LeaseExpired(ExpiryCause.PodEnded, "killed"), new SlotQuarantined(Given.Slot, 7, "PodEnded"),
            new SlotFreed(Given.Slot, 7, FreeProof.ContainersTerminated, "container worker terminated")]);
    }

    [Fact]
    public void A_pod_that_attached_and_is_reported_without_containers_fails_and_proves_nothing()
    {
        var plan = AttemptPlan.PodEnded(Running, Held, Given.Fence(), new PodEnd(false, null, false, "no container", "none reported"), 1);
        plan.Refusal.ShouldBeNull();
        plan.Task.Select(e => e.GetType()).ShouldBe([typeof(AttemptFailed), typeof(SceneQueued)]);
        plan.Lease.Select(e => e.GetType()).ShouldBe([typeof(LeaseExpired), typeof(SlotQuarantined)]);
    }

    [Fact]
    public void The_later_word_of_the_kubelet_frees_what_an_end_without_containers_left_in_quarantine()
    {
        var failed = Given.Task([
            .. Given.Accepted(), .. Given.Started(), .. Given.Attached(),
            new AttemptFailed(0, 1, Given.PodUid, "HolderLost", "WorkerDied", "", true, null), new SceneQueued(0, 2, 0)]);
        var quarantined = Given.Lease([
            .. Given.Granted(), .. Given.Held(), new LeaseExpired(ExpiryCause.PodEnded, ""), new SlotQuarantined(Given.Slot, 7, "PodEnded")]);
        AttemptPlan.PodEnded(failed, quarantined, Given.Fence(), new PodEnd(false, null, false, "", "none reported"), 0).ChangesNothing.ShouldBeTrue();
        AttemptPlan.PodEnded(failed, quarantined, Given.Fence(), new PodEnd(true, 0, false, "", "terminated"), 0)
            .Lease.ShouldBe([new SlotFreed(Given.Slot, 7, FreeProof.ContainersTerminated, "terminated")]);
    }

    [Fact]
    public void The_end_of_another_pod_frees_nothing()
    {
        var quarantined = Given.Lease([
            .. Given.Granted(), .. Given.Held(), new LeaseExpired(ExpiryCause.HeartbeatLost, ""), new SlotQuarantined(Given.Slot, 7, "HeartbeatLost")]);
        var plan = AttemptPlan.PodEnded(Running, quarantined, Given.Fence(podUid: "other"), new PodEnd(true, 0, false, "ended", "terminated"), 0);
        plan.Refusal!.Reason.ShouldBe("NotProven");
        plan.ChangesNothing.ShouldBeTrue();
    }

    [Fact]
    public void A_complete_whose_lease_was_let_go_before_is_refused()
    {
        var released = Given.Lease([.. Given.Granted(), .. Given.Held(), new LeaseReleased("Completed")]);
        var plan = AttemptPlan.Complete(Running, released, Given.Fence(), Given.Result());
        plan.Refusal!.Reason.ShouldBe("StaleHolder");
        plan.ChangesNothing.ShouldBeTrue();
    }

    [Fact]
    public void A_pod_that_never_started_returns_its_attempt_for_free()
    {
        var started = Given.Task([.. Given.Accepted(backoffLimit: 0), .. Given.Started()]);
        var plan = AttemptPlan.PodEnded(started, Given.Lease(Given.Granted()), Given.Fence(), new PodEnd(false, null, false, "never started", "no container"), 1);
        plan.Task.Select(e => e.GetType()).ShouldBe([typeof(AttemptReturned), typeof(SceneQueued)]);
        ((SlotFreed)plan.Lease[^1]).Proof.ShouldBe(FreeProof.NeverStarted);
    }

    [Fact]
    public void The_end_of_a_pod_frees_a_slot_that_was_quarantined_before()
    {
        var failed = Given.Task([
            .. Given.Accepted(), .. Given.Started(), .. Given.Attached(),
            new AttemptFailed(0, 1, Given.PodUid, "HolderLost", "HeartbeatLost", "", true, null), new SceneQueued(0, 2, 0)]);
        var quarantined = Given.Lease([
            .. Given.Granted(), .. Given.Held(), new LeaseExpired(ExpiryCause.HeartbeatLost, ""), new SlotQuarantined(Given.Slot, 7, "HeartbeatLost")]);
        var plan = AttemptPlan.PodEnded(failed, quarantined, Given.Fence(), new PodEnd(true, 143, false, "ended", "terminated"), 0);
        plan.Task.ShouldBeEmpty();
        plan.Lease.ShouldBe([new SlotFreed(Given.Slot, 7, FreeProof.ContainersTerminated, "terminated")]);
    }

    [Fact]
    public void The_end_of_a_pod_that_completed_changes_nothing()
    {
        var done = Given.Task([.. Given.Accepted(), .. Given.Started(), .. Given.Attached(), new SceneCommitted(0, 1, Given.PodUid, 7, Given.Result()), new TaskSucceeded()]);
        var released = Given.Lease([.. Given.Granted(), .. Given.Held(), new LeaseReleased("Completed")]);
        AttemptPlan.PodEnded(done, released, Given.Fence(), new PodEnd(true, 0, false, "", ""), 0).ChangesNothing.ShouldBeTrue();
    }

    [Fact]
    public void Silence_expires_an_attached_attempt_into_quarantine_without_any_proof()
    {
        var plan = AttemptPlan.Expire(Running, Held, Given.Fence(), ExpiryCause.HeartbeatLost, "no beat", 2);
        plan.Task.Select(e => e.GetType()).ShouldBe([typeof(AttemptFailed), typeof(SceneQueued)]);
        plan.Lease.Select(e => e.GetType()).ShouldBe([typeof(LeaseExpired), typeof(SlotQuarantined)]);
    }

    [Fact]
    public void An_expired_grant_that_nobody_attached_to_is_free_at_once()
    {
        var plan = AttemptPlan.Expire(
            Given.Task([.. Given.Accepted(), .. Given.Started()]), Given.Lease(Given.Granted()), Given.Fence(), ExpiryCause.StartDeadline, "late", 0);
        plan.Task.Select(e => e.GetType()).ShouldBe([typeof(AttemptReturned), typeof(SceneQueued)]);
        ((SlotFreed)plan.Lease[^1]).Proof.ShouldBe(FreeProof.NeverAttached);
    }
}
