using Framelease.Domain.Leasing;
using static Framelease.Domain.Tests.Leasing.LeaseFixtures;

namespace Framelease.Domain.Tests.Leasing;

public class LeaseDeciderTests
{
    public class Request
    {
        [Fact]
        public void A_wish_is_recorded() => Given().When(new LeaseCommand.Request(Requested)).Then(Requested);

        [Fact]
        public void A_repeated_wish_changes_nothing() => Given(Requested).When(new LeaseCommand.Request(Requested)).ThenNothing();

        [Fact]
        public void A_wish_after_the_end_changes_nothing() =>
            Given(Requested, Granted, Released).When(new LeaseCommand.Request(Requested)).ThenNothing();

        [Theory]
        [InlineData(-1, 600, 60, 300, "maxWaitSeconds is -1")]
        [InlineData(0, 0, 60, 300, "startDeadlineSeconds is 0")]
        [InlineData(0, 600, 0, 300, "heartbeatIntervalSeconds is 0")]
        [InlineData(0, 600, 60, 119, "heartbeatTimeoutSeconds is 119; allowed: twice the interval (60) or more")]
        [InlineData(0, 600, int.MaxValue, int.MaxValue, "heartbeatTimeoutSeconds")]
        public void Terms_that_nobody_could_keep_are_refused(int wait, int start, int interval, int timeout, string message) =>
            Given().When(new LeaseCommand.Request(Requested with { Terms = new(wait, start, interval, timeout) }))
                .ThenRefused("InvalidTerms", message);

        [Fact]
        public void The_tightest_allowed_terms_are_taken() =>
            Given().When(new LeaseCommand.Request(Requested with { Terms = new(0, 1, 1, 2) }))
                .Then(Requested with { Terms = new(0, 1, 1, 2) });
    }

    public class Grant
    {
        [Fact]
        public void A_pending_lease_gets_a_free_slot_under_its_next_token() =>
            Given(Requested).When(new LeaseCommand.Grant(Slot(token: 6))).Then(Granted);

        [Theory]
        [InlineData(SlotState.Granted)]
        [InlineData(SlotState.Quarantined)]
        public void A_slot_that_is_not_free_is_not_granted(SlotState state) =>
            Given(Requested).When(new LeaseCommand.Grant(Slot(state))).ThenRefused("SlotNotFree", state.ToString());

        [Fact]
        public void A_slot_of_another_pool_is_not_granted() =>
            Given(Requested).When(new LeaseCommand.Grant(Slot(pool: "other"))).ThenRefused("WrongPool", "other");

        [Fact]
        public void A_lease_is_never_granted_twice() =>
            Given(Requested, Granted).When(new LeaseCommand.Grant(Slot(token: 9))).ThenRefused("AlreadyGranted");

        [Fact]
        public void A_lease_that_nobody_asked_for_is_not_granted() =>
            Given().When(new LeaseCommand.Grant(Slot())).ThenRefused("NotPending", "None");

        [Fact]
        public void A_released_lease_is_not_granted_again() =>
            Given(Requested, Granted, Released).When(new LeaseCommand.Grant(Slot(token: 7))).ThenRefused("NotPending", "Released");

        [Fact]
        public void A_lease_that_gave_up_is_not_granted() =>
            Given(Requested, new LeaseGaveUp("MaxWait")).When(new LeaseCommand.Grant(Slot())).ThenRefused("NotPending", "GaveUp");

        [Fact]
        public void A_token_never_wraps_around() =>
            Should.Throw<OverflowException>(() => Given(Requested).When(new LeaseCommand.Grant(Slot(token: long.MaxValue))));
    }

    public class Attach
    {
        [Fact]
        public void The_first_pod_with_the_token_becomes_the_holder() =>
            Given(Requested, Granted).When(new LeaseCommand.Attach("pod-1", "node-a", 7)).Then(Attached);

        [Fact]
        public void The_same_pod_may_attach_again() =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Attach("pod-1", "node-a", 7)).ThenNothing();

        [Fact]
        public void A_second_pod_is_refused() =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Attach("pod-2", "node-a", 7)).ThenRefused("StaleHolder", "pod-1");

        [Theory]
        [InlineData(6)]
        [InlineData(8)]
        [InlineData(0)]
        [InlineData(-7)]
        public void Any_other_token_is_refused(long token) =>
            Given(Requested, Granted).When(new LeaseCommand.Attach("pod-1", "node-a", token))
                .ThenRefused("StaleHolder", $"token {token} was presented");

        [Fact]
        public void Before_the_grant_nobody_attaches() =>
            Given(Requested).When(new LeaseCommand.Attach("pod-1", "node-a", 0)).ThenRefused("StaleHolder", "never granted");

        [Fact]
        public void After_the_end_not_even_the_old_holder_attaches() =>
            Given(Requested, Granted, Attached, Expired, Quarantined).When(new LeaseCommand.Attach("pod-1", "node-a", 7))
                .ThenRefused("StaleHolder", "Expired");

        [Fact]
        public void After_the_start_deadline_the_late_pod_is_refused() =>
            Given(Requested, Granted, Expired with { Cause = ExpiryCause.StartDeadline }, Quarantined)
                .When(new LeaseCommand.Attach("pod-1", "node-a", 7)).ThenRefused("StaleHolder");
    }

    public class Release
    {
        [Fact]
        public void The_holder_gives_back_and_the_slot_is_free_at_once() =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Release(7, "Completed")).Then(Released);

        [Fact]
        public void A_grant_that_was_not_used_can_be_given_back() =>
            Given(Requested, Granted).When(new LeaseCommand.Release(7, "Completed")).Then(Released);

        static readonly LeaseGranted ByKubelet = Granted with
        {
            Terms = Terms with { DevicePlugin = new DevicePluginTerms("nvidia.com/gpu") },
        };

        static readonly LeaseReleased GivenBack = Released with { SlotHeld = true };
        static readonly SlotQuarantined Releasing = Quarantined with { Reason = LeaseState.Releasing };

        static readonly LeaseGranted ByClaim = Granted with
        {
            Terms = Terms with { Dra = new DraTerms("gpu.nvidia.com", "gpu.nvidia.com", "uuid") },
        };

        [Theory]
        [InlineData(false)]
        [InlineData(true)]
        public void What_the_cluster_handed_out_is_given_back_with_the_end_of_the_pod_and_nothing_before_it_is_proof(bool byClaim)
        {
            var granted = byClaim ? ByClaim : ByKubelet;
            Given(Requested, granted, Attached).When(new LeaseCommand.Release(7, "Completed", "pod-1")).Then(GivenBack, Releasing);
            StateOf(Requested, granted, Attached, GivenBack, Releasing).ShouldSatisfyAllConditions(
                s => s.IsReleasing.ShouldBeTrue(), s => s.Phase.ShouldBe(LeasePhase.Released));
            var released = Given(Requested, granted, Attached, GivenBack, Releasing);
            released.When(new LeaseCommand.Release(7, "Completed", "pod-1")).ThenNothing();
            released.When(new LeaseCommand.Free(FreeProof.NodeAgent, "no process", null, null, 7)).ThenRefused("NotProven", "kubelet");
            released.When(new LeaseCommand.Free(FreeProof.ContainersTerminated, "exit 137", "pod-2")).ThenRefused("NotProven", "pod-2");
            released.When(new LeaseCommand.Free(FreeProof.ContainersTerminated, "exit 137", "pod-1")).Then(Freed);
        }

        [Fact]
        public void The_device_that_a_worker_sees_is_kept_only_where_the_kubelet_chose_it()
        {
            Given(Requested, ByKubelet).When(new LeaseCommand.Attach("pod-1", "node-a", 7, DeviceUuid: "GPU-x"))
                .Then(Attached with { DeviceUuid = "GPU-x" });
            Given(Requested, Granted).When(new LeaseCommand.Attach("pod-1", "node-a", 7, DeviceUuid: "GPU-x")).Then(Attached);
        }

        [Fact]
        public void A_repeated_release_changes_nothing() =>
            Given(Requested, Granted, Attached, Released).When(new LeaseCommand.Release(7, "Completed")).ThenNothing();

        [Theory]
        [InlineData(6)]
        [InlineData(8)]
        public void A_stale_token_releases_nothing(long token) =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Release(token, "Completed")).ThenRefused("StaleHolder");

        [Fact]
        public void Another_pod_cannot_give_back_what_it_does_not_hold_even_under_the_right_token()
        {
            Given(Requested, Granted, Attached).When(new LeaseCommand.Release(7, "Completed", "pod-2")).ThenRefused("StaleHolder", "pod-1");
            Given(Requested, Granted, Attached, Released).When(new LeaseCommand.Release(7, "Completed", "pod-2"))
                .ThenRefused("StaleHolder", "pod-1");
            Given(Requested, Granted, Attached).When(new LeaseCommand.Release(7, "Completed", "pod-1")).Then(Released);
            Given(Requested, Granted).When(new LeaseCommand.Release(7, "Completed", "pod-2")).Then(Released);
        }

        [Fact]
        public void A_stale_token_gets_no_answer_of_success_after_the_release_either() =>
            Given(Requested, Granted, Attached, Released).When(new LeaseCommand.Release(6, "Completed")).ThenRefused("StaleHolder");

        [Fact]
        public void The_word_of_an_expired_holder_does_not_free_the_slot() =>
            Given(Requested, Granted, Attached, Expired, Quarantined).When(new LeaseCommand.Release(7, "Completed"))
                .ThenRefused("StaleHolder", "Expired");

        [Fact]
        public void Nothing_can_be_given_back_before_the_grant() =>
            Given(Requested).When(new LeaseCommand.Release(0, "Completed")).ThenRefused("StaleHolder");
    }

    public class BadEnds
    {
        [Fact]
        public void Silence_ends_the_lease_and_quarantines_its_slot() =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Expire(ExpiryCause.HeartbeatLost, "silent for 300 s"))
                .Then(Expired, Quarantined);

        [Fact]
        public void A_pod_that_ended_without_a_word_ends_the_lease_and_quarantines_its_slot() =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Expire(ExpiryCause.PodEnded, "exit 137"))
                .Then(new LeaseExpired(ExpiryCause.PodEnded, "exit 137"), Quarantined with { Reason = "PodEnded" });

        [Fact]
        public void The_end_of_another_pod_does_not_end_the_lease() =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Expire(ExpiryCause.PodEnded, "exit 0", "pod-2"))
                .ThenRefused("NotTheHolder", "pod-1");

        [Fact]
        public void Nobody_attached_in_time_and_the_slot_still_goes_through_quarantine() =>
            Given(Requested, Granted).When(new LeaseCommand.Expire(ExpiryCause.StartDeadline, "600 s"))
                .Then(new LeaseExpired(ExpiryCause.StartDeadline, "600 s"), Quarantined with { Reason = "StartDeadline" });

        [Fact]
        public void A_start_deadline_that_lost_the_race_against_the_attach_is_refused() =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Expire(ExpiryCause.StartDeadline, "600 s"))
                .ThenRefused("AlreadyAttached", "pod-1");

        [Fact]
        public void Silence_does_not_count_before_the_attach() =>
            Given(Requested, Granted).When(new LeaseCommand.Expire(ExpiryCause.HeartbeatLost, "300 s")).ThenRefused("NotAttached");

        [Fact]
        public void A_revoke_quarantines_too_and_names_who_did_it() =>
            Given(Requested, Granted, Attached).When(new LeaseCommand.Revoke("anna", "maintenance"))
                .Then(Revoked, Quarantined with { Reason = "Revoked" });

        [Fact]
        public void A_revoke_of_a_waiting_lease_only_ends_the_wait() =>
            Given(Requested).When(new LeaseCommand.Revoke("anna", "maintenance")).Then(new LeaseGaveUp("Revoked"));

        [Fact]
        public void What_was_never_granted_cannot_expire() =>
            Given(Requested).When(new LeaseCommand.Expire(ExpiryCause.PodEnded, "gone")).ThenRefused("NotGranted", "Pending");

        [Theory]
        [InlineData(ExpiryCause.HeartbeatLost)]
        [InlineData(ExpiryCause.StartDeadline)]
        [InlineData(ExpiryCause.PodEnded)]
        public void A_lease_that_ended_does_not_end_again(ExpiryCause cause)
        {
            Given(Requested, Granted, Attached, Released).When(new LeaseCommand.Expire(cause, "late")).ThenNothing();
            Given(Requested, Granted, Attached, Expired, Quarantined).When(new LeaseCommand.Expire(cause, "late")).ThenNothing();
            Given(Requested, Granted, Attached, Expired, Quarantined, Freed).When(new LeaseCommand.Expire(cause, "late")).ThenNothing();
            Given(Requested, new LeaseGaveUp("MaxWait")).When(new LeaseCommand.Expire(cause, "late")).ThenNothing();
        }

        [Fact]
        public void A_revoke_after_the_end_changes_nothing() =>
            Given(Requested, Granted, Attached, Released).When(new LeaseCommand.Revoke("anna", "late")).ThenNothing();
    }

    public class ChangeAuthority
    {
        static readonly LeaseCommand Changed = new LeaseCommand.ChangeAuthority("another database");

        [Fact]
        public void A_granted_lease_ends_and_its_slot_waits_for_proof() =>
            Given(Requested, Granted, Attached).When(Changed)
                .Then(new LeaseRevoked("authority", "another database"), new SlotQuarantined(Key, 7, "AuthorityChanged"));

        [Fact]
        public void A_lease_that_waits_goes_on_waiting() => Given(Requested).When(Changed).ThenNothing();

        [Fact]
        public void A_lease_that_ended_does_not_end_again() =>
            Given(Requested, Granted, Attached, Expired, Quarantined).When(Changed).ThenNothing();
    }

    public class GiveUp
    {
        [Fact]
        public void A_waiting_lease_may_stop_waiting() =>
            Given(Requested).When(new LeaseCommand.GiveUp("MaxWait")).Then(new LeaseGaveUp("MaxWait"));

        [Fact]
        public void A_granted_lease_is_revoked_not_given_up() =>
            Given(Requested, Granted).When(new LeaseCommand.GiveUp("MaxWait")).ThenRefused("AlreadyGranted");

        [Fact]
        public void After_the_end_there_is_nothing_to_give_up() =>
            Given(Requested, Granted, Released).When(new LeaseCommand.GiveUp("MaxWait")).ThenNothing();
    }

    public class Free
    {
        static LeaseCommand By(FreeProof proof, string evidence = "seen") => new LeaseCommand.Free(proof, evidence);

        [Theory]
        [InlineData(FreeProof.ContainersTerminated)]
        [InlineData(FreeProof.NodeRebooted)]
        [InlineData(FreeProof.Person)]
        [InlineData(FreeProof.PodsAccounted)]
        public void A_proof_frees_a_slot_whose_holder_was_attached(FreeProof proof) =>
            Given(Requested, Granted, Attached, Expired, Quarantined).When(By(proof)).Then(new SlotFreed(Key, 7, proof, "seen"));

        [Theory]
        [InlineData(FreeProof.NeverAttached)]
        [InlineData(FreeProof.NeverStarted)]
        public void That_nobody_attached_is_a_proof(FreeProof proof) =>
            Given(Requested, Granted, Expired with { Cause = ExpiryCause.StartDeadline }, Quarantined).When(By(proof))
                .Then(new SlotFreed(Key, 7, proof, "seen"));

        [Theory]
        [InlineData(FreeProof.NeverAttached)]
        [InlineData(FreeProof.NeverStarted)]
        public void But_not_when_somebody_did(FreeProof proof) =>
            Given(Requested, Granted, Attached, Revoked, Quarantined).When(By(proof)).ThenRefused("NotProven", "pod-1");

        [Fact]
        public void The_end_of_another_pod_proves_nothing()
        {
            Given(Requested, Granted, Attached, Expired, Quarantined)
                .When(new LeaseCommand.Free(FreeProof.ContainersTerminated, "exit 0", "pod-2")).ThenRefused("NotProven", "pod-1");
            Given(Requested, Granted, Attached, Expired, Quarantined)
                .When(new LeaseCommand.Free(FreeProof.ContainersTerminated, "exit 0", "pod-1")).Then(Freed with { Evidence = "exit 0" });
        }

        [Theory]
        [InlineData("")]
        [InlineData("  ")]
        public void A_proof_without_evidence_is_none(string evidence) =>
            Given(Requested, Granted, Attached, Expired, Quarantined).When(By(FreeProof.Person, evidence))
                .ThenRefused("NotProven", "Person");

        [Fact]
        public void A_proof_given_while_the_lease_is_alive_proves_nothing_for_later() =>
            Given(Requested, Granted).When(By(FreeProof.NeverAttached)).ThenRefused("NotQuarantined", "Granted");

        [Fact]
        public void An_agent_of_the_node_proves_the_end_of_a_pod_that_attached() =>
            Given(Requested, Granted, Attached, Expired, Quarantined).When(Seen()).Then(new SlotFreed(Key, 7, FreeProof.NodeAgent, "seen"));

        [Fact]
        public void Its_proof_is_for_one_token() =>
            Given(Requested, Granted, Attached, Expired, Quarantined).When(Seen(6)).ThenRefused("NotProven", "token 7");

        [Fact]
        public void After_a_change_of_authority_it_proves_the_end_of_the_holder_that_is_on_record() =>
            Given(Requested, Granted, Attached, Revoked, Quarantined with { Reason = "AuthorityChanged" }).When(Seen())
                .Then(new SlotFreed(Key, 7, FreeProof.NodeAgent, "seen"));

        [Fact]
        public void It_cannot_look_for_nobody_or_on_another_node()
        {
            Given(Requested, Granted, Expired, Quarantined).When(Seen()).ThenRefused("NotProven", "nobody is on record");
            Given(Requested, Granted, Attached with { Node = "node-b" }, Expired, Quarantined).When(Seen())
                .ThenRefused("NotProven", "node-b");
        }

        [Fact]
        public void The_holder_of_a_bare_lease_must_have_said_which_process_it_is()
        {
            var bare = Requested with { TaskUid = null };
            var said = new LeaseAttached("holder-1", "node-a", "boot-1", new HolderProcess(10, 1000, 4026531836, 0));
            Given(bare, Granted, said, Expired, Quarantined).When(Seen()).Then(new SlotFreed(Key, 7, FreeProof.NodeAgent, "seen"));
            Given(bare, Granted, said with { Process = null }, Expired, Quarantined).When(Seen()).ThenRefused("NotProven", "which process");
            Given(bare, Granted, said with { BootId = null }, Expired, Quarantined).When(Seen()).ThenRefused("NotProven", "machine");
        }

        static LeaseCommand Seen(long token = 7) => new LeaseCommand.Free(FreeProof.NodeAgent, "seen", Token: token);

        [Fact]
        public void A_slot_is_freed_once() =>
            Given(Requested, Granted, Attached, Expired, Quarantined, Freed).When(By(FreeProof.Person)).ThenNothing();

        [Fact]
        public void A_released_slot_needs_no_proof() =>
            Given(Requested, Granted, Attached, Released).When(By(FreeProof.ContainersTerminated)).ThenNothing();
    }

    public class StaleHolders
    {
        static LeaseCommand Rejected(string pod, string write) => new LeaseCommand.RejectStaleHolder(pod, 7, write);

        [Fact]
        public void A_refused_write_is_recorded_once_per_pod_and_kind()
        {
            var complete = new StaleHolderRejected("pod-1", 7, "complete");
            Given(Requested, Granted, Attached, Expired, Quarantined).When(Rejected("pod-1", "complete")).Then(complete);
            Given(Requested, Granted, Attached, Expired, Quarantined, complete).When(Rejected("pod-1", "complete")).ThenNothing();
            Given(Requested, Granted, Attached, Expired, Quarantined, complete).When(Rejected("pod-1", "beat"))
                .Then(complete with { Write = "beat" });
            Given(Requested, Granted, Attached, Expired, Quarantined, complete).When(Rejected("pod-2", "complete"))
                .Then(complete with { PodUid = "pod-2" });
        }

        [Fact]
        public void Ever_new_pods_do_not_fill_the_log()
        {
            var many = Enumerable.Range(0, LeaseDecider.MaxRejections).Select(i => new StaleHolderRejected($"pod-{i}", 7, "beat"));
            Given([Requested, Granted, Attached, .. many]).When(Rejected("one more", "beat")).ThenNothing();
        }

        [Fact]
        public void A_lease_that_does_not_exist_records_nothing() => Given().When(Rejected("pod-1", "beat")).ThenRefused("NoSuchLease");

        [Fact]
        public void A_refused_write_changes_nothing_else()
        {
            var before = StateOf(Requested, Granted, Attached);
            var after = before.Evolve(new StaleHolderRejected("pod-2", 6, "beat"), Noon);
            (after with { Rejections = before.Rejections }).ShouldBe(before);
        }
    }

    public class UnknownEvents
    {
        public static TheoryData<LeaseCommand> Commands => new(
            new LeaseCommand.Request(Requested),
            new LeaseCommand.Grant(Slot()),
            new LeaseCommand.Attach("pod-1", "node-a", 7),
            new LeaseCommand.Release(7, "Completed"),
            new LeaseCommand.Grade(Noon),
            new LeaseCommand.Stall(600),
            new LeaseCommand.Progress(),
            new LeaseCommand.Drain(DrainCause.DeviceDrained, "maintenance"),
            new LeaseCommand.Expire(ExpiryCause.HeartbeatLost, "silent"),
            new LeaseCommand.Revoke("anna", "maintenance"),
            new LeaseCommand.ChangeAuthority("another database"),
            new LeaseCommand.GiveUp("MaxWait"),
            new LeaseCommand.Free(FreeProof.Person, "anna"),
            new LeaseCommand.RejectStaleHolder("pod-1", 7, "beat"));

        [Theory, MemberData(nameof(Commands))]
        public void No_command_is_decided_on_a_stream_that_is_not_understood(LeaseCommand command)
        {
            Given(Requested, Granted, "an event of tomorrow").When(command).ThenRefused("UnknownEvents", "upgrade");
            Given("an event of tomorrow", Requested).When(command).ThenRefused("UnknownEvents", "upgrade");
        }

        [Fact]
        public void Every_command_is_in_this_table() =>
            ((IEnumerable<object[]>)Commands).Select(row => row[0].GetType())
                .ShouldBe(typeof(LeaseCommand).GetNestedTypes(), ignoreOrder: true);

        [Fact]
        public void A_reader_goes_on_past_what_it_does_not_know()
        {
            var state = StateOf(Requested, "an event of tomorrow", null!, Granted, Attached);
            state.HasUnknownEvents.ShouldBeTrue();
            state.Phase.ShouldBe(LeasePhase.Granted);
            state.Attachment.ShouldBe(Attached);
        }
    }
}
