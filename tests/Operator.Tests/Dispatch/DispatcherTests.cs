using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Ledger;
using Framelease.Operator.Pools;
using Framelease.Operator.Tests.Authority;
using Framelease.Resources;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Operator.Tests.Dispatch;

/// <summary>
/// Rounds on a real PostgreSQL: what was read is what waits, what is granted is granted at once, and why the others wait survives.
/// </summary>
[Collection(PostgresServer.Collection)]
public sealed class DispatcherTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;

    readonly AttemptSignals _signals = new();
    readonly Dictionary<string, TenantShare> _tenants = [];
    readonly List<ObjectKey> _told = [];
    string _connection = null!;
    AuthorityHarness _platform = null!;
    Dispatcher _dispatcher = null!;

    public async Task InitializeAsync()
    {
        _connection = await server.CreateDatabaseAsync();
        _platform = new AuthorityHarness(_connection);
        await _platform.StartAsync();
        await _platform.LeadAsync();
        _signals.LeaseChanged += _told.Add;
        _dispatcher = NewDispatcher();
    }

    public async Task DisposeAsync() => await _platform.DisposeAsync();

    [Fact]
    public async Task The_queue_is_served_by_points_and_waiting_time()
    {
        await _platform.DevicesAsync("gpu-0", "gpu-1");
        await RequestAsync("early", new LeaseClaim("free", 0, 0, 0));
        await RequestAsync("paid", new LeaseClaim("pro", 200, 0, 0));
        await RequestAsync("large", new LeaseClaim("free", 0, 0, 49));
        await RoundAsync();
        (await HoldersAsync()).ShouldBe(["large", "paid"], ignoreOrder: true);
        (await WaitAsync("early")).ShouldBe(new WaitRow("WaitingForSlot", "2 slots could hold it: 2 are held, 0 are in quarantine", 1, 1));
    }

    [Fact]
    public async Task All_grants_of_a_round_are_one_transaction_however_many()
    {
        await _platform.DevicesAsync([.. Enumerable.Range(0, 120).Select(i => $"gpu-{i}")]);
        for (var i = 0; i < 150; i++)
            await RequestAsync($"lease-{i}", new LeaseClaim($"tenant-{i % 3}", 0, 0, 0));
        await RoundAsync();
        (await HoldersAsync()).Length.ShouldBe(120);
        var granted = (await _platform.Guarded.ReadAllAsync(0, 10_000, null, Ct)).Events.Where(e => e.TypeName == "lease_granted").ToList();
        granted.Count.ShouldBe(120);
        (await PostgresServer.ScalarAsync<long>(
            _connection, "select count(distinct xmin::text) from framelease_events.mt_events where type = 'lease_granted'")).ShouldBe(1);
        granted.Select(e => ((LeaseGranted)e.Data).Slot).Distinct().Count().ShouldBe(120);
    }

    [Fact]
    public async Task A_slot_that_is_cordoned_between_the_look_and_the_grant_is_not_granted_and_neither_is_the_rest_of_the_round()
    {
        await _platform.DevicesAsync("gpu-0", "gpu-1");
        await RequestAsync("a", new LeaseClaim("t", 0, 0, 0));
        await RequestAsync("b", new LeaseClaim("t", 0, 0, 0));
        var slots = await _platform.SlotsAsync();
        await _platform.Ledger.SyncDevicesAsync(
            "default", [slots[0], slots[1] with { Traits = new DeviceTraits(0, 0, 0, "Cordoned", "maintenance") }], _platform.Epoch, Ct);
        var leases = await _platform.Ledger.LoadLeasesAsync(["a", "b"], Ct);
        var changes = leases.Zip(slots).Select(x => new LeaseChange(
            x.First.State.Request!.LeaseUid, x.First, LeaseSteps.Decide(x.First.State, new LeaseCommand.Grant(x.Second)))).ToList();
        await Should.ThrowAsync<LedgerConflictException>(() =>
            _platform.Ledger.CommitAsync(new LedgerCommit("test", [], changes, _platform.Epoch), Ct));
        (await HoldersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_device_has_and_what_is_used_of_it_comes_back_from_the_database()
    {
        var traits = new DeviceTraits(24_000, EncodeSessions: 3, DecodeSessions: 0);
        await DevicesAsync(traits, ("gpu-0", 0), ("gpu-0", 1));
        await RequestAsync("half", new LeaseClaim("t", 0, 0, 0, new DeviceNeed(12_000, 2, 0)));
        await RequestAsync("more", new LeaseClaim("t", 0, 0, 0, new DeviceNeed(13_000, 0, 0)));
        await RequestAsync("never", new LeaseClaim("t", 0, 0, 0, new DeviceNeed(25_000, 0, 0)));
        await RequestAsync("fits", new LeaseClaim("t", 0, 0, 0, new DeviceNeed(1_000, 1, 0)));
        await RoundAsync();
        (await HoldersAsync()).ShouldBe(["half"]);
        (await WaitAsync("more"))!.Code.ShouldBe("WaitingForRoom");
        (await WaitAsync("never"))!.Code.ShouldBe("Unschedulable");
        (await WaitAsync("fits"))!.Code.ShouldBe("WaitingForSlot", "the device is kept for the one before it");
    }

    [Fact]
    public async Task Why_leases_wait_survives_a_restart_and_is_told_to_whom_it_concerns()
    {
        _tenants["t"] = new TenantShare(0, Concurrency: 1, MaxConcurrency: null, Weight: 1);
        await _platform.DevicesAsync("gpu-0", "gpu-1");
        foreach (var lease in new[] { "a", "b", "c" })
            await RequestAsync(lease, new LeaseClaim("t", 0, 0, 0));
        await RoundAsync();
        var row = await WaitAsync("c");
        (row!.Code, row.Position, row.Length).ShouldBe(("TenantAtLimit", 2, 2L));
        _told.Select(k => k.Name).ShouldBe(["a", "b", "c"], ignoreOrder: true);

        _told.Clear();
        await RoundAsync();
        _told.ShouldBeEmpty("nothing changed");
        await NewDispatcher().RoundAsync(_platform.Epoch, Ct);
        (await WaitAsync("c"))!.Code.ShouldBe("TenantAtLimit");
        (await WaitAsync("a")).ShouldBeNull("it does not wait");
    }

    [Fact]
    public async Task A_lease_that_waited_for_as_long_as_it_would_gives_up()
    {
        await RequestAsync("patient", new LeaseClaim("t", 0, 0, 0));
        await RequestAsync("hasty", new LeaseClaim("t", 0, 0, 0), Given.Terms with { MaxWaitSeconds = 1 });
        var next = await RoundAsync();
        next.ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(1), "the dispatcher sleeps until then, and does not scan");
        var deadline = System.Diagnostics.Stopwatch.StartNew();
        while ((await _platform.Ledger.LoadLeaseAsync("hasty", Ct)).State.Phase is LeasePhase.Pending)
        {
            deadline.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
            await RoundAsync();
        }

        var state = (await _platform.Ledger.LoadLeaseAsync("hasty", Ct)).State;
        (state.Phase, state.EndReason).ShouldBe((LeasePhase.GaveUp, "MaxWaitExceeded"));
        (await _platform.Ledger.LoadLeaseAsync("patient", Ct)).State.Phase.ShouldBe(LeasePhase.Pending);
    }

    [Fact]
    public async Task Devices_that_go_out_of_service_and_come_back_tell_of_it_once()
    {
        await DevicesAsync(DeviceTraits.Unknown, ("gpu-0", 0), ("gpu-0", 1));
        await DevicesAsync(new DeviceTraits(0, 0, 0, "Cordoned", "maintenance"), ("gpu-0", 0), ("gpu-0", 1));
        await DevicesAsync(new DeviceTraits(0, 0, 0, "Cordoned", "maintenance"), ("gpu-0", 0), ("gpu-0", 1));
        await DevicesAsync(DeviceTraits.Unknown, ("gpu-0", 0), ("gpu-0", 1));
        await NodeSaysAsync("Xid 79");
        await NodeSaysAsync("Xid 79");
        await NodeSaysAsync(null);
        await NodeSaysAsync(null);
        (await _platform.Ledger.ReadDeviceHistoryAsync("gpu-0", 10, Ct)).Select(h => h.Type).ShouldBe([
            "device_discovered", "device_cordoned", "device_returned", "device_degraded", "device_returned"]);
    }

    // Of both slots of one device.
    Task NodeSaysAsync(string? unfit)
    {
        var found = new DeviceDiscovery.Found(
            Slots(DeviceTraits.Unknown, ("gpu-0", 0), ("gpu-0", 1)), [],
            unfit is null ? new Dictionary<(string, string), string>() : new() { [("node-1", "gpu-0")] = unfit });
        return new DeviceService(_platform.Ledger, NullLogger.Instance).KeepAsync(found, new GpuPoolSpec(), _platform.Epoch, Ct);
    }

    Dispatcher NewDispatcher() => new(
        "default", _platform.Ledger, new LeaseService(_platform.Ledger, _signals), () => _tenants, _signals, TimeProvider.System,
            NullLogger.Instance);

    Task<TimeSpan> RoundAsync() => _dispatcher.RoundAsync(_platform.Epoch, Ct);

    Task<WaitRow?> WaitAsync(string lease) => _platform.Ledger.FindWaitAsync(lease, Ct);

    async Task<string[]> HoldersAsync() => [.. (await _platform.SlotsAsync()).Select(s => s.LeaseUid).OfType<string>()];

    Task RequestAsync(string lease, LeaseClaim claim, LeaseTerms? terms = null) => _platform.LeaseAsync(
        lease, new LeaseCommand.Request(new LeaseRequested(lease, "default", lease, "default", "test", null, 0, 0, terms ?? Given.Terms,
            claim)));

    Task DevicesAsync(DeviceTraits traits, params (string Device, int Slot)[] slots) =>
        _platform.Ledger.SyncDevicesAsync("default", Slots(traits, slots), _platform.Epoch, Ct);

    static IReadOnlyList<SlotSnapshot> Slots(DeviceTraits traits, params (string Device, int Slot)[] slots) =>
    [
        .. slots.Select(s => new SlotSnapshot(
            new SlotKey("cluster", "node-1", s.Device, s.Slot), "default", SlotState.Free, 0, null, "card", "Gpu", 0) { Traits = traits }),
    ];
}
