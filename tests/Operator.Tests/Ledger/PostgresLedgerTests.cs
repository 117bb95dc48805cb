using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Domain.Tasks;
using Framelease.EventStore;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Attempts;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Pools;
using Microsoft.Extensions.Logging.Abstractions;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

namespace Framelease.Operator.Tests.Ledger;

[CollectionDefinition(PostgresServer.Collection)]
public sealed class PostgresCollection : ICollectionFixture<PostgresServer>;

/// <summary>
/// The ledger on a real PostgreSQL: who wins when several write at once, and what only it has. What every ledger does is in LedgerContract.
/// </summary>
[Collection(PostgresServer.Collection)]
public sealed class PostgresLedgerTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;

    readonly AttemptSignals _signals = new();
    PostgresEventStore _store = null!;
    PostgresLedger _ledger = null!;
    LeaderEpoch _epoch = null!;
    PostgresEpochs _epochs = null!;
    AttemptService _attempts = null!;

    public async Task InitializeAsync()
    {
        var connection = await server.CreateDatabaseAsync();
        _store = new PostgresEventStore(
            new EventStoreOptions { ConnectionString = connection, NewId = Guid.CreateVersion7, Projections = Projections.All },
            EventTypes.Register(new EventRegistry(EventJson.CreateOptions(EventTypesJson.Default))), TimeProvider.System);
        await _store.MigrateAsync(Ct, SchemaScripts.FromAssembly(typeof(PostgresLedger).Assembly, "Framelease.Operator.Sql"));
        var cluster = new ClusterIdentity("cluster");
        _ledger = new PostgresLedger(_store, _store, cluster);
        _epochs = new PostgresEpochs(_store.Epochs, cluster);
        _epoch = (await _epochs.TryAcquireAsync("controllers", "a", TimeSpan.FromMinutes(5), Ct))!;
        _attempts = new AttemptService(_ledger, new Random(1), _signals);
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task What_a_worker_tells_of_its_device_is_kept_beside_the_log()
    {
        var fence = await RunningAsync();
        await _ledger.BeatAsync(
            new Heartbeat(
                fence.TaskUid, fence.Scene, fence.Attempt, fence.PodUid, fence.LeaseUid, fence.Token, 1, "Running", 1, 2, 3, 4, 5, 6, null,
                new DeviceFigures(88, 2048, null, 61)),
            Ct);
        var told = (await new PlatformReads(_store).ReadStateAsync(Ct)).Devices.ShouldHaveSingleItem();
        (told.Device, told.Now with { ToldSecondsAgo = 0 }).ShouldBe(("sw-0", new DeviceNow(88, 2048, null, 61, 0)));
        // Whoever tells nothing more is not known to be as before.
        (await BeatAsync(fence, 2)).ShouldBeOfType<BeatOutcome.Taken>();
        (await new PlatformReads(_store).ReadStateAsync(Ct)).Devices.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_slot_is_granted_once_however_many_try()
    {
        await DevicesAsync("sw-0");
        var slot = await SlotAsync("sw-0");
        var tries = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => TryGrantAsync($"lease-{i}", slot)));
        tries.Count(granted => granted).ShouldBe(1);
        (await SlotAsync("sw-0")).ShouldSatisfyAllConditions(s => s.State.ShouldBe(SlotState.Granted), s => s.Token.ShouldBe(1));
    }

    [Fact]
    public async Task A_stale_holder_is_recorded_once()
    {
        var fence = await RunningAsync();
        await _attempts.ExpireAsync(fence, ExpiryCause.HeartbeatLost, "test", null, _epoch, Ct);
        for (var i = 0; i < 3; i++)
            await _attempts.RejectStaleHolderAsync(fence, "beat", "test", Ct);
        (await _ledger.ReadLeaseHistoryAsync(fence.LeaseUid!, Ct)).Count(h => h.Type == "stale_holder_rejected").ShouldBe(1);
    }

    [Fact]
    public async Task Complete_and_expiry_at_the_same_time_have_one_winner()
    {
        for (var round = 0; round < 10; round++)
        {
            var fence = await RunningAsync($"-{round}");
            var complete = _attempts.CompleteAsync(fence, Given.Result(), "worker", Ct);
            var expire = _attempts.ExpireAsync(fence, ExpiryCause.HeartbeatLost, "race", null, _epoch, Ct);
            await Task.WhenAll(complete, expire);
            var types = (await _ledger.ReadTaskHistoryAsync(fence.TaskUid, Ct)).Select(h => h.Type).ToList();
            var committed = types.Count(t => t == "scene_committed");
            (committed + types.Count(t => t == "attempt_failed")).ShouldBe(1);
            ((await complete).Refusal is null).ShouldBe(committed == 1);
            if (committed == 0)
                await _attempts.PodEndedAsync(fence, new PodEnd(true, 137, false, "killed", "terminated"), _epoch, Ct);
            (await SlotAsync("sw-0")).State.ShouldBe(SlotState.Free);
        }
    }

    [Fact]
    public async Task Of_a_beat_and_an_expiry_at_the_same_time_only_one_counts()
    {
        for (var round = 0; round < 10; round++)
        {
            var fence = await RunningAsync($"-{round}");
            var beat = BeatAsync(fence, 1);
            var expire = _attempts.ExpireAsync(
                fence, ExpiryCause.HeartbeatLost, "race", new SilenceSeen(fence.TaskUid, fence.Scene, fence.Attempt, 0), _epoch, Ct);
            await Task.WhenAll(beat, expire);
            (await beat is BeatOutcome.Taken).ShouldBe((await expire).ChangesNothing);
            if (await beat is BeatOutcome.Taken)
                await _attempts.ExpireAsync(fence, ExpiryCause.HeartbeatLost, "for the next round", null, _epoch, Ct);
            await _attempts.PodEndedAsync(fence, new PodEnd(true, 137, false, "killed", "terminated"), _epoch, Ct);
        }
    }

    [Fact]
    public async Task A_device_tells_of_all_its_leases_in_order()
    {
        await DevicesAsync("sw-0", "sw-1");
        foreach (var (lease, token) in new[] { ("lease-a", 1L), ("lease-b", 2L) })
        {
            await GrantAsync(lease, await SlotAsync("sw-0"));
            await ReleaseAsync(lease, token);
        }

        await GrantAsync("lease-c", await SlotAsync("sw-1"));
        var history = await _ledger.ReadDeviceHistoryAsync("sw-0", 100, Ct);
        history.Select(h => h.Type).ShouldBe([
            "device_discovered", "lease_requested", "lease_granted", "lease_released", "lease_requested", "lease_granted", "lease_released"]);
        (await _ledger.ReadDeviceHistoryAsync("sw-0", 1, Ct)).ShouldNotContain(h => h.Stream == "lease-lease-a");
        (await _ledger.ReadDeviceHistoryAsync("nothing", 100, Ct)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_device_that_carried_more_leases_than_one_trip_loads_tells_of_all()
    {
        await DevicesAsync("sw-0");
        for (var i = 1; i <= 100; i++)
        {
            await GrantAsync($"lease-{i}", await SlotAsync("sw-0"));
            await ReleaseAsync($"lease-{i}", i);
        }

        (await _ledger.ReadDeviceHistoryAsync("sw-0", 100, Ct)).Count.ShouldBe(1 + (3 * 100));
    }

    [Fact]
    public async Task A_dispatcher_serves_more_leases_than_slots_in_the_order_of_their_requests()
    {
        await DevicesAsync("sw-0", "sw-1");
        for (var i = 0; i < 5; i++)
            await RequestAsync($"lease-{i}");
        using var stop = new CancellationTokenSource();
        var dispatcher = new Dispatcher(
            "default", _ledger, new LeaseService(_ledger, _signals), () => new Dictionary<string, TenantShare>(), _signals,
                TimeProvider.System,
            NullLogger.Instance);
        var leader = (await _epochs.TryAcquireAsync("dispatch-default", "a", TimeSpan.FromMinutes(5), Ct))!;
        var running = dispatcher.RunAsync(leader, stop.Token);
        var order = new List<string>();
        while (order.Count < 5)
        {
            foreach (var slot in (await _ledger.ReadPoolAsync("default", Ct)).Slots.Where(s => s.LeaseUid is not null).OrderBy(s => s.LeaseUid, StringComparer.Ordinal))
            {
                order.Add(slot.LeaseUid!);
                await ReleaseAsync(slot.LeaseUid!, slot.Token);
            }

            dispatcher.Wake();
            await Task.Yield();
        }

        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
        order.ShouldBe(["lease-0", "lease-1", "lease-2", "lease-3", "lease-4"], ignoreOrder: true);
        order.Take(2).ShouldBe(["lease-0", "lease-1"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_key_is_made_once_and_shared()
    {
        var first = await _ledger.SigningKeyAsync("test", [1, 2, 3], Ct);
        (await _ledger.SigningKeyAsync("test", [9, 9, 9], Ct)).ShouldBe(first);
    }

    [Fact]
    public async Task Views_that_are_made_anew_from_the_log_equal_the_running_ones()
    {
        var fence = await RunningAsync("-a");
        await _attempts.CompleteAsync(fence, Given.Result(), "test", Ct);
        var lost = await RunningAsync("-b");
        await _attempts.ExpireAsync(lost, ExpiryCause.HeartbeatLost, "test", null, _epoch, Ct);
        await _attempts.PodEndedAsync(lost, new PodEnd(true, 137, false, "killed", "terminated"), _epoch, Ct);
        await RequestAsync("lease-waits");
        await LeaseAsync("lease-waits", new LeaseCommand.GiveUp("test"));
        await TaskAsync(Given.TaskUid + "-c", new TaskCommand.Reject("UnknownEngine", "no", "default", "bad"));
        await RunningAsync("-d");

        foreach (var view in Projections.All.Inline)
        {
            var compared = await new ProjectionRebuild(_store).RunAsync(view.Name, RebuildMode.Compare, null, Ct);
            compared.IsEqual.ShouldBeTrue(string.Join('\n', compared.Comparisons.SelectMany(c => c.Differences)));
            (await new ProjectionRebuild(_store).RunAsync(view.Name, RebuildMode.Swap, null, Ct)).Events.ShouldBeGreaterThan(0);
        }

        (await _ledger.FindByNameAsync("task", "default", "bad", Ct))!.Uid.ShouldBe(Given.TaskUid + "-c");
        (await _ledger.FindAttemptByPodAsync(Given.PodUid + "-d", Ct))!.TaskName.ShouldBe("clip");
        (await BeatAsync(new AttemptFence(Given.TaskUid + "-d", 0, 1, Given.PodUid + "-d", Given.LeaseUid + "-d", 3),
            1)).ShouldBeOfType<BeatOutcome.Taken>();
    }

    Task DevicesAsync(params string[] ids) => _ledger.SyncDevicesAsync("default", [.. ids.Select(Slot)], _epoch, Ct);

    static SlotSnapshot Slot(string id) => new(new SlotKey("cluster", "node-1", id, 0), "default", SlotState.Free, 0, null, "software slot", "Software", 0);

    async Task<SlotSnapshot> SlotAsync(string id) => (await _ledger.ReadPoolAsync("default", Ct)).Slots.Single(s => s.Key.Device == id);

    async Task RequestAsync(string uid, string? taskUid = null) => await LeaseAsync(
        uid, new LeaseCommand.Request(new LeaseRequested(uid, "default", uid, "default", "test", taskUid, 0, 1, Given.Terms)));

    async Task GrantAsync(string uid, SlotSnapshot slot, string? taskUid = null)
    {
        if ((await _ledger.LoadLeaseAsync(uid, Ct)).State.Phase is LeasePhase.None)
            await RequestAsync(uid, taskUid);
        await LeaseAsync(uid, new LeaseCommand.Grant(slot));
    }

    async Task<bool> TryGrantAsync(string uid, SlotSnapshot slot)
    {
        try
        {
            await GrantAsync(uid, slot);
            return true;
        }
        catch (LedgerConflictException)
        {
            return false;
        }
    }

    Task ReleaseAsync(string uid, long token) => LeaseAsync(uid, new LeaseCommand.Release(token, "test"));

    async Task LeaseAsync(string uid, LeaseCommand command)
    {
        var loaded = await _ledger.LoadLeaseAsync(uid, Ct);
        var events = LeaseDecider.Decide(loaded.State, command).ShouldBeOfType<Decision<ILeaseEvent>.Events>().Items;
        await _ledger.CommitAsync(new LedgerCommit("test", [], [new LeaseChange(uid, loaded, events)], _epoch), Ct);
    }

    async Task<AttemptFence> RunningAsync(string suffix = "")
    {
        await DevicesAsync("sw-0");
        var (task, lease, pod) = (Given.TaskUid + suffix, Given.LeaseUid + suffix, Given.PodUid + suffix);
        var accepted = (TaskAccepted)Given.Accepted()[0];
        await TaskAsync(task, new TaskCommand.Accept(accepted with { TaskUid = task }));
        var slot = await SlotAsync("sw-0");
        await GrantAsync(lease, slot, task);
        await TaskAsync(task, new TaskCommand.Start(new AttemptStarted(0, 1, "clip-1", pod, lease, slot.Token + 1, "node-1", "sw-0")));
        var fence = new AttemptFence(task, 0, 1, pod, lease, slot.Token + 1);
        (await _attempts.AttachAsync(fence, "node-1", "0.1.0", "test", Ct)).Refusal.ShouldBeNull();
        return fence;
    }

    async Task TaskAsync(string uid, TaskCommand command)
    {
        var loaded = await _ledger.LoadTaskAsync(uid, Ct);
        var events = TaskDecider.Decide(loaded.State, command).ShouldBeOfType<Decision<ITaskEvent>.Events>().Items;
        await _ledger.CommitAsync(new LedgerCommit("test", [new TaskChange(uid, loaded, events)], [], _epoch), Ct);
    }

    Task<BeatOutcome> BeatAsync(AttemptFence f, long sequence) => _ledger.BeatAsync(
        new Heartbeat(f.TaskUid, f.Scene, f.Attempt, f.PodUid, f.LeaseUid, f.Token, sequence, "Running", 10, 100, 25000, 1000, 100, 5, null), Ct);
}
