using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.EventStore;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Authority;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Tests.Authority;

/// <summary>
/// R12, drilled with PostgreSQL's own programs: a dump that is older than a running lease is restored on another server, and no token that was ever
/// handed out is accepted or handed out again.
/// </summary>
[Collection(PostgresServer.Collection)]
public sealed class RestoreTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;

    readonly PostgresServer _other = new();
    readonly string _file = Path.Combine(Path.GetTempPath(), $"framelease-{Guid.NewGuid():n}.dump");

    public Task InitializeAsync() => _other.InitializeAsync();

    public async Task DisposeAsync()
    {
        File.Delete(_file);
        await _other.DisposeAsync();
    }

    async Task<string> RestoreAsync()
    {
        var connection = await _other.CreateDatabaseAsync();
        await PostgresTools.RestoreAsync(connection, _file);
        return connection;
    }

    [Fact]
    public async Task A_dump_older_than_a_running_lease_is_restored_and_no_equal_token_is_ever_accepted()
    {
        var connection = await server.CreateDatabaseAsync();
        await using var before = new AuthorityHarness(connection);
        var left = await before.StartAsync();
        left.Incarnation.ShouldBe(1);
        await before.LeadAsync();
        await before.DevicesAsync("sw-0", "sw-1");
        var onRecord = await before.RunAsync("sw-0", "a");

        await PostgresTools.DumpAsync(connection, _file);

        // the part of the history that will be lost: the slot goes on to another holder, which still runs
        (await before.CompleteAsync(onRecord)).Refusal.ShouldBeNull();
        var running = await before.RunAsync("sw-0", "b");
        (await before.BeatAsync(running, 1)).ShouldBeOfType<BeatOutcome.Taken>();
        (onRecord.Token, running.Token).ShouldBe((1, 2));
        var epoch = before.Epoch.Epoch;

        await using var after = new AuthorityHarness(await RestoreAsync());
        after.World.Runs(running.PodUid);

        // an operator that was running all along meets the copy before anybody took it over
        await Should.ThrowAsync<LeadershipLostException>(() => after.BeatAsync(onRecord, 5));
        await Should.ThrowAsync<LeadershipLostException>(after.LeadAsync);
        await Should.ThrowAsync<AuthorityChangedException>(
            () => after.Open(requireAuthority: false).Epochs.TryAcquireAsync("cluster", "controllers", "a", TimeSpan.FromMinutes(5), Ct));

        // the start, with what the cluster remembers
        var taken = await after.StartAsync(new(
            left, [new SeenGrant("node-1", "sw-0", 0, running.Token)], [new SeenPod(running.PodUid, "default/clip-2", "node-1")]));
        taken.Incarnation.ShouldBe(2);
        taken.SystemIdentifier.ShouldNotBe(left.SystemIdentifier);
        await after.LeadAsync();
        after.Epoch.Epoch.ShouldBeGreaterThan(epoch + AuthorityTakeOver.Step);
        (await after.SlotsAsync()).ShouldAllBe(s => s.State == SlotState.Quarantined);
        (await after.BeatAsync(onRecord, 6)).ShouldBeOfType<BeatOutcome.Stale>();
        (await after.BeatAsync(running, 7)).ShouldBeOfType<BeatOutcome.Stale>();

        // nothing is free while a pod of before is left, and the lease of the copy is over
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(2);
        (await after.CompleteAsync(onRecord)).Refusal!.Reason.ShouldBe("StaleHolder");
        var devices = PoolView.DevicesOf(await after.SlotsAsync(), new Dictionary<string, DeviceNeed>());
        var queue = new QueueGroup("acme", DeviceNeed.None, [new WaitingLease("lease-early", Given.At)]);
        DispatchRound.Decide(new PoolView([queue], devices, new Dictionary<string, TenantShare>(), 10)).Grants.ShouldBeEmpty();
        after.World.NodeReady = false;
        after.World.Ended(running.PodUid);
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(2, "an unready node proves nothing");
        after.World.NodeReady = true;
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(0);
        (await after.SlotsAsync()).ShouldAllBe(s => s.State == SlotState.Free && s.Token > AuthorityTakeOver.Step);

        foreach (var device in new[] { "sw-0", "sw-1" })
            (await after.GrantAsync("lease-" + device, device)).ShouldBeGreaterThan(AuthorityTakeOver.Step);
        (await after.BeatAsync(running, 8)).ShouldBeOfType<BeatOutcome.Stale>();
        (await after.Ledger.ReadLeaseHistoryAsync(onRecord.LeaseUid!, Ct)).Select(h => h.Type).ShouldBe(
            ["lease_requested", "lease_granted", "lease_attached", "lease_revoked", "slot_quarantined", "slot_freed"]);
        (await after.Ledger.ReadDeviceHistoryAsync("sw-1", 1, Ct)).Select(h => h.Type).ShouldContain("device_returned");
        var told = (await after.Guarded.FetchStreamAsync("authority-cluster", 1, Ct)).Events.ShouldHaveSingleItem().Data.ShouldBeOfType<AuthorityChanged>();
        (told.Incarnation, told.Pods).ShouldBe((2, 1));
        told.Reason.ShouldContain(left.SystemIdentifier);
        (await after.Guarded.VerifyAsync(Ct)).Findings.ShouldBeEmpty();
        foreach (var view in Projections.All.Inline)
        {
            (await new ProjectionRebuild(after.Guarded).RunAsync(view.Name, RebuildMode.Compare, null, Ct)).IsEqual.ShouldBeTrue();
            await new ProjectionRebuild(after.Guarded).RunAsync(view.Name, RebuildMode.Swap, null, Ct);
        }

        // and the next start finds everything in order
        (await after.StartAsync(new(taken, [new SeenGrant("node-1", "sw-0", 0, running.Token)], []))).Incarnation.ShouldBe(2);
    }

    [Fact]
    public async Task An_attempt_of_the_copy_ends_with_its_lease_and_a_pod_whose_end_only_the_lost_history_knew_holds_its_slot_no_longer()
    {
        var connection = await server.CreateDatabaseAsync();
        await using var before = new AuthorityHarness(connection);
        await before.StartAsync();
        await before.LeadAsync();
        await before.DevicesAsync("sw-0", "sw-1");
        var ended = await before.RunAsync("sw-0", "a");
        var running = await before.RunAsync("sw-1", "b");
        await PostgresTools.DumpAsync(connection, _file);

        await using var after = new AuthorityHarness(await RestoreAsync());
        after.World.EndedOnRecord(ended.PodUid);
        after.World.Runs(running.PodUid);
        await after.StartAsync(AuthorityWitness.None with { Pods = [new SeenPod(running.PodUid, "default/b", "node-1")] });
        await after.LeadAsync();
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(2);
        foreach (var attempt in new[] { ended, running })
        {
            var task = (await after.Ledger.LoadTaskAsync(attempt.TaskUid, Ct)).State;
            task.Ended.ShouldContainKey((0, 1), "a worker that never stops is ended with its pod, which a task deletes once its attempt is over");
        }

        after.World.Ended(running.PodUid);
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(1, "what keeps its finalizer tells its end itself");
        (await after.SlotAsync("sw-0")).State.ShouldBe(SlotState.Free);
        after.World.EndedOnRecord(running.PodUid);
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(0);
    }

    [Fact]
    public async Task A_dump_restored_on_the_same_server_is_told_apart_although_the_server_says_the_same_of_itself()
    {
        var connection = await server.CreateDatabaseAsync();
        await using var before = new AuthorityHarness(connection);
        await before.StartAsync();
        await before.LeadAsync();
        await before.DevicesAsync("sw-0");
        await PostgresTools.DumpAsync(connection, _file);
        (await before.GrantAsync("lease-a", "sw-0")).ShouldBe(1);

        var copy = await server.CreateDatabaseAsync();
        await PostgresTools.RestoreAsync(copy, _file);
        await using var after = new AuthorityHarness(copy);
        await Should.ThrowAsync<LeadershipLostException>(after.LeadAsync);
        (await after.StartAsync()).Incarnation.ShouldBe(2);
        await after.LeadAsync();
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(0);
        (await after.GrantAsync("lease-b", "sw-0")).ShouldBeGreaterThan(AuthorityTakeOver.Step);
    }

    [Fact]
    public async Task A_device_that_only_the_cluster_remembers_comes_back_in_quarantine_and_above_the_floor()
    {
        var connection = await server.CreateDatabaseAsync();
        await using var before = new AuthorityHarness(connection);
        await before.StartAsync();
        await PostgresTools.DumpAsync(connection, _file);

        await using var after = new AuthorityHarness(await RestoreAsync());
        await after.StartAsync(new(null, [new SeenGrant("node-1", "sw-7", 0, 41)], []));
        await after.LeadAsync();
        await after.DevicesAsync("sw-7");
        (await after.SlotAsync("sw-7")).State.ShouldBe(SlotState.Quarantined);
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(0);
        (await after.GrantAsync("lease-a", "sw-7")).ShouldBeGreaterThan(41 + AuthorityTakeOver.Step);
    }

    [Fact]
    public async Task A_server_that_was_set_back_without_a_trace_is_told_by_what_the_cluster_has_seen()
    {
        await using var operation = new AuthorityHarness(await server.CreateDatabaseAsync());
        var left = await operation.StartAsync();
        (await operation.StartAsync(new(left, [], []))).Incarnation.ShouldBe(1);
        (await operation.StartAsync(new(left with { Position = 9000 }, [], []))).Incarnation.ShouldBe(2);
        (await operation.StartAsync(new(left with { Incarnation = 7 }, [], []))).Incarnation.ShouldBe(3);
        (await operation.StartAsync(new(null, [new SeenGrant("node-1", "sw-0", 0, 3)], []))).Incarnation.ShouldBe(4);
        (await operation.StartAsync(new(null, [new SeenGrant("node-1", "sw-0", 0, 3)], []))).Incarnation.ShouldBe(4);
        (await operation.Guarded.Authority.HistoryAsync(10, Ct)).Select(i => i.Reason).ShouldContain(
            "the cluster has seen token 3 of slot node-1/sw-0#0; the database ends at 0");
    }

    [Fact]
    public async Task A_lease_of_the_copy_whose_pod_is_still_there_is_freed_by_that_pods_end_and_its_slot_waits_for_the_others()
    {
        var connection = await server.CreateDatabaseAsync();
        await using var before = new AuthorityHarness(connection);
        await before.StartAsync();
        await before.LeadAsync();
        await before.DevicesAsync("sw-0");
        var held = await before.RunAsync("sw-0", "a");
        await PostgresTools.DumpAsync(connection, _file);

        await using var after = new AuthorityHarness(await RestoreAsync());
        after.World.Runs(held.PodUid);
        after.World.Runs("pod-unknown");
        await after.StartAsync(new(null, [], [new SeenPod(held.PodUid, "default/a", "node-1"), new SeenPod("pod-unknown", "default/b", "node-1")]));
        await after.LeadAsync();
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(1);

        after.World.Ended(held.PodUid);
        await after.Attempts.PodEndedAsync(held, new(true, 1, false, "told to stop", "terminated"), after.Epoch, Ct);
        (await after.Ledger.LoadLeaseAsync(held.LeaseUid!, Ct)).State.Freed!.Proof.ShouldBe(FreeProof.ContainersTerminated);
        (await after.SlotAsync("sw-0")).State.ShouldBe(SlotState.Quarantined, "another pod of before is left on the node");
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(1);
        after.World.Ended("pod-unknown");
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(0);
        (await after.SlotAsync("sw-0")).State.ShouldBe(SlotState.Free);
    }

    [Theory]
    [InlineData("boot-2", false, "was booted anew: boot id boot-1 at the change, boot-2 now")]
    [InlineData("boot-1", true, "is vouched to be switched off")]
    public async Task A_program_that_was_granted_a_slot_in_the_lost_history_keeps_it_until_its_machine_tells_that_it_is_gone(
        string bootId, bool outOfService, string why)
    {
        var connection = await server.CreateDatabaseAsync();
        await using var before = new AuthorityHarness(connection);
        await before.StartAsync();
        await before.LeadAsync();
        await before.DevicesAsync("sw-0", "sw-1");
        await PostgresTools.DumpAsync(connection, _file);
        var token = await before.GrantAsync("lease-program", "sw-0");

        await using var after = new AuthorityHarness(await RestoreAsync());
        var shown = new SeenGrant("node-1", "sw-0", 0, token);
        await after.StartAsync(new(null, [shown], []) { Holders = [new SeenHolder("lease-program", "default/program", shown, "boot-1")] });
        await after.LeadAsync();
        after.World.BootId = "boot-1";
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(1);
        ((await after.SlotAsync("sw-0")).State, (await after.SlotAsync("sw-1")).State).ShouldBe((SlotState.Quarantined, SlotState.Free));

        (after.World.BootId, after.World.OutOfService) = (bootId, outOfService);
        (await after.Release.LookAsync(after.Epoch, Ct)).ShouldBe(0);
        (await after.GrantAsync("lease-next", "sw-0")).ShouldBeGreaterThan(token + AuthorityTakeOver.Step);
        var told = (await after.Ledger.ReadDeviceHistoryAsync("sw-0", 1, Ct)).Single(h => h.Type == "device_returned");
        told.Data.GetProperty("evidence").GetString()!.ShouldContain($"GpuLease default/program (token 1) is gone: node node-1 {why}");
        (await after.Ledger.ReadAuthorityHoldersAsync(Ct)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_database_of_another_cluster_is_refused_until_somebody_says_that_it_is_ours_now()
    {
        var connection = await server.CreateDatabaseAsync();
        await using var theirs = new AuthorityHarness(connection, "their-cluster");
        await theirs.StartAsync();
        await using var ours = new AuthorityHarness(connection, "our-cluster");
        var refusal = await Should.ThrowAsync<DatabaseOfAnotherClusterException>(() => ours.StartAsync());
        refusal.Message.ShouldContain("belongs to cluster their-cluster");
        refusal.Message.ShouldContain("--adopt-database");
        (await theirs.StartAsync()).Incarnation.ShouldBe(1, "nothing was taken from them");

        (await ours.StartAsync(adopt: true)).Incarnation.ShouldBe(2);
        (await ours.StartAsync()).Incarnation.ShouldBe(2, "once is enough");
        await Should.ThrowAsync<DatabaseOfAnotherClusterException>(() => theirs.StartAsync());
    }
}
