using Framelease.Domain.Leasing;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Leases;
using Framelease.Operator.Tests.Authority;

namespace Framelease.Operator.Tests.Leases;

/// <summary>What a lost node means to the leases on it, and what proves that their slots are free.</summary>
[Collection(PostgresServer.Collection)]
public sealed class NodeLossTests(PostgresServer server)
{
    static readonly CancellationToken Ct = CancellationToken.None;

    static Node Node(string boot, params string[] taints) => new()
    {
        Metadata = new ObjectMeta { Name = "node-1" },
        Spec = new NodeSpec { Taints = [.. taints.Select(t => new Taint(t, "NoExecute"))] },
        Status = new NodeStatus { NodeInfo = new NodeInfo { BootID = boot } },
    };

    static LeaseState Held(string? boot) => Given.Lease([.. Given.Granted(), new LeaseAttached(Given.PodUid, "node-1", boot)]);

    [Fact]
    public void Another_boot_id_than_the_workers_own_proves_that_it_has_ended()
    {
        NodeLoss.Of("node-1", Node("boot-2"), Held("boot-1"))!.Proof.ShouldBe(FreeProof.NodeRebooted);
        NodeLoss.Of("node-1", Node("boot-1"), Held("boot-1")).ShouldBeNull();
        NodeLoss.Of("node-1", Node("boot-2"), Held(null)).ShouldBeNull("a worker that did not say proves nothing");
    }

    [Fact]
    public void The_out_of_service_taint_is_a_proof_and_no_other_taint_is()
    {
        NodeLoss.Of("node-1", Node("boot-1", "node.kubernetes.io/out-of-service"),
            Held("boot-1"))!.Proof.ShouldBe(FreeProof.NodeOutOfService);
        NodeLoss.Of("node-1", Node("boot-1", "node.kubernetes.io/unreachable"), Held("boot-1")).ShouldBeNull();
    }

    [Fact]
    public void A_node_object_that_is_gone_ends_the_lease_and_proves_nothing() =>
        NodeLoss.Of("node-1", null, Held("boot-1"))!.Proof.ShouldBeNull();

    [Fact]
    public async Task A_lost_node_fails_the_attempt_and_its_slot_waits_for_a_proof_that_may_come_later()
    {
        await using var platform = new AuthorityHarness(await server.CreateDatabaseAsync());
        await platform.StartAsync();
        await platform.LeadAsync();
        await platform.DevicesAsync("gpu-0");
        var fence = await platform.RunAsync("gpu-0", "a");
        (await platform.Ledger.ReadHeldSlotsAsync("node-1", Ct)).ShouldHaveSingleItem().Attempt!.PodUid.ShouldBe(fence.PodUid);

        await platform.Attempts.NodeLostAsync(fence, "the Node object node-1 is gone", null, platform.Epoch, Ct);
        (await platform.SlotAsync("gpu-0")).State.ShouldBe(SlotState.Quarantined);
        (await platform.Ledger.LoadTaskAsync(fence.TaskUid, Ct)).State.Scenes[0].LastFailure!.Reason.ShouldBe("NodeLost");

        await platform.Attempts.NodeLostAsync(fence, "node node-1 was booted anew", FreeProof.NodeRebooted, platform.Epoch, Ct);
        (await platform.SlotAsync("gpu-0")).State.ShouldBe(SlotState.Free);
        (await platform.Ledger.ReadLeaseHistoryAsync(fence.LeaseUid!, Ct)).Select(h => h.Type).ShouldBe([
            "lease_requested", "lease_granted", "lease_attached", "lease_revoked", "slot_quarantined", "slot_freed"]);
    }

    [Fact]
    public async Task A_slot_to_which_nobody_attached_is_free_when_its_node_is_lost_and_its_worker_cannot_attach_any_more()
    {
        await using var platform = new AuthorityHarness(await server.CreateDatabaseAsync());
        await platform.StartAsync();
        await platform.LeadAsync();
        await platform.DevicesAsync("gpu-0");
        var fence = await platform.RunAsync("gpu-0", "a", attaches: false);

        await platform.Attempts.NodeLostAsync(fence, "the Node object node-1 is gone", null, platform.Epoch, Ct);
        (await platform.SlotAsync("gpu-0")).State.ShouldBe(SlotState.Free);
        (await platform.Ledger.LoadLeaseAsync(fence.LeaseUid!, Ct)).State.Freed!.Proof.ShouldBe(FreeProof.NeverAttached);
        (await platform.Ledger.LoadTaskAsync(fence.TaskUid, Ct)).State.Scenes[0].ShouldSatisfyAllConditions(
            s => s.Failures.ShouldBe(0), s => s.Attempt.ShouldBe(2));
        (await platform.Attempts.AttachAsync(fence, "node-1", "0.1.0", "test", Ct)).Refusal!.Reason.ShouldBe("StaleHolder");
    }
}
