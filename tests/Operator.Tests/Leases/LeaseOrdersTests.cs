using Framelease.Domain.Leasing;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Attempts;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Operator.Tests.Authority;
using Framelease.Operator.Tests.Ledger;

namespace Framelease.Operator.Tests.Leases;

/// <summary>What a person may order, on a real PostgreSQL: fenced first, recorded always.</summary>
[Collection(PostgresServer.Collection)]
public sealed class LeaseOrdersTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;

    AuthorityHarness _platform = null!;
    LeaseOrders _orders = null!;

    public async Task InitializeAsync()
    {
        _platform = new AuthorityHarness(await server.CreateDatabaseAsync());
        await _platform.StartAsync();
        await _platform.LeadAsync();
        await _platform.DevicesAsync("gpu-0");
        var signals = new AttemptSignals();
        _orders = new LeaseOrders(_platform.Ledger, _platform.Attempts, new LeaseService(_platform.Ledger, signals), signals);
    }

    public async Task DisposeAsync() => await _platform.DisposeAsync();

    [Fact]
    public async Task A_revoke_quarantines_the_slot_fences_the_worker_and_lets_the_task_try_again()
    {
        var fence = await _platform.RunAsync("gpu-0", "a");
        var done = (await _orders.RevokeAsync(fence.LeaseUid!, "anna", "maintenance", Ct)).ShouldBeOfType<OrderOutcome.Done>();
        (done.LeaseUid, done.Token, done.Slot!.Device).ShouldBe((fence.LeaseUid, fence.Token, "gpu-0"));

        (await _platform.SlotAsync("gpu-0")).State.ShouldBe(SlotState.Quarantined);
        (await _platform.BeatAsync(fence, 1)).ShouldBeOfType<BeatOutcome.Stale>();
        var task = (await _platform.Ledger.LoadTaskAsync(fence.TaskUid, Ct)).State;
        (task.Scenes[0].Attempt, task.Scenes[0].LastFailure!.Reason).ShouldBe((2, "Revoked"));
        (await _platform.Ledger.ReadLeaseHistoryAsync(fence.LeaseUid!, Ct)).Single(h => h.Type == "lease_revoked").Actor.ShouldBe("anna");
    }

    [Fact]
    public async Task A_revoked_lease_that_nobody_attached_to_is_free_at_once()
    {
        await _platform.GrantAsync("bare", "gpu-0");
        (await _orders.RevokeAsync("bare", "anna", "wrong pool", Ct)).ShouldBeOfType<OrderOutcome.Done>();
        (await _platform.SlotAsync("gpu-0")).State.ShouldBe(SlotState.Free);
    }

    [Fact]
    public async Task A_persons_word_frees_a_quarantined_slot_and_is_in_the_history()
    {
        var fence = await _platform.RunAsync("gpu-0", "a");
        await _orders.RevokeAsync(fence.LeaseUid!, "anna", "hangs", Ct);
        (await ReleaseAsync()).ShouldBeOfType<OrderOutcome.Done>().LeaseUid.ShouldBe(fence.LeaseUid);

        (await _platform.SlotAsync("gpu-0")).State.ShouldBe(SlotState.Free);
        var freed = (await _platform.Ledger.ReadLeaseHistoryAsync(fence.LeaseUid!, Ct)).Single(h => h.Type == "slot_freed");
        freed.Actor.ShouldBe("anna");
        freed.Data.GetProperty("proof").GetString().ShouldBe("Person");
        freed.Data.GetProperty("evidence").GetString().ShouldBe("anna: nvidia-smi shows no process");
    }

    [Fact]
    public async Task A_slot_that_is_held_is_not_released_by_a_person_before_its_lease_is_revoked()
    {
        await _platform.RunAsync("gpu-0", "a");
        var refused = (await ReleaseAsync()).ShouldBeOfType<OrderOutcome.Refused>();
        refused.Reason.ShouldBe("NotQuarantined");
        refused.Message.ShouldContain("revoke lease lease-a first");
        (await _platform.SlotAsync("gpu-0")).State.ShouldBe(SlotState.Granted);
    }

    [Fact]
    public async Task An_order_without_a_reason_or_for_something_unknown_is_refused_and_says_so()
    {
        var fence = await _platform.RunAsync("gpu-0", "a");
        (await _orders.RevokeAsync(fence.LeaseUid!, "anna", " ",
            Ct)).ShouldBeOfType<OrderOutcome.Refused>().Reason.ShouldBe("ReasonInvalid");
        (await _orders.RevokeAsync("nothing", "anna", "why", Ct)).ShouldBeOfType<OrderOutcome.Refused>().Reason.ShouldBe("NotFound");
        (await _orders.ReleaseByPersonAsync("node-1", "gpu-9", 0, "anna", "why",
            Ct)).ShouldBeOfType<OrderOutcome.Refused>().Reason.ShouldBe("NotFound");
        await _orders.RevokeAsync(fence.LeaseUid!, "anna", "once", Ct);
        (await _orders.RevokeAsync(fence.LeaseUid!, "anna", "twice",
            Ct)).ShouldBeOfType<OrderOutcome.Refused>().Reason.ShouldBe("AlreadyEnded");
    }

    Task<OrderOutcome> ReleaseAsync() => _orders.ReleaseByPersonAsync("node-1", "gpu-0", 0, "anna", "nvidia-smi shows no process", Ct);
}
