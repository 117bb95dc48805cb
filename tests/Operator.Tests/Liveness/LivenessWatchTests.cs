using System.Diagnostics;
using Framelease.Domain.Leasing;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Operator.Liveness;
using Framelease.Operator.Tests.Authority;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Operator.Tests.Liveness;

/// <summary>
/// The leader's look on a real PostgreSQL, whose clock cannot be set: terms of a few seconds, and looks until what is awaited has happened.
/// </summary>
[Collection(PostgresServer.Collection)]
public sealed class LivenessWatchTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;
    const int LongestMassSilence = 6;
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    AuthorityHarness _platform = null!;
    LivenessWatch _watch = null!;

    public async Task InitializeAsync()
    {
        _platform = new AuthorityHarness(await server.CreateDatabaseAsync());
        await _platform.StartAsync();
        await _platform.LeadAsync();
        await _platform.DevicesAsync("gpu-0", "gpu-1", "gpu-2");
        _watch = NewLeader();
    }

    public async Task DisposeAsync() => await _platform.DisposeAsync();

    [Fact]
    public async Task Each_grade_is_recorded_once_and_in_order_though_every_look_is_another_leaders()
    {
        var fence = await _platform.RunAsync("gpu-0", "a", Terms(new GradeTerms(1, 2, 4, 0, 1)));
        BeatOutcome.Taken? told = null;
        await UntilAsync(fence, frames => frames, beat => told ??= beat is BeatOutcome.Taken { Drain: not null } t ? t : null,
            "lease_expired", NewLeader);

        (await TypesAsync(fence)).ShouldBe([
            "lease_requested", "lease_granted", "lease_attached", "lease_warned", "lease_drain_requested", "lease_expired",
                "slot_quarantined"]);
        told!.Drain!.GraceSeconds.ShouldBeInRange(1, 2);
        told.Drain.Why.ShouldContain("soft limit 2 s");
        var task = (await _platform.Ledger.LoadTaskAsync(fence.TaskUid, Ct)).State;
        (task.Scenes[0].Attempt, task.Scenes[0].LastFailure!.Reason).ShouldBe((2, "HardTimeout"));
        (await _platform.BeatAsync(fence, 1_000_000)).ShouldBeOfType<BeatOutcome.Stale>();
    }

    [Fact]
    public async Task A_worker_that_beats_with_a_frozen_frame_count_is_stalled_and_moves_again()
    {
        var fence = await _platform.RunAsync("gpu-0", "a", Terms(new GradeTerms(0, 0, 0, 2, 1)));
        await UntilAsync(fence, _ => 10, _ => { }, "lease_stalled");
        (await _platform.Ledger.LoadTaskAsync(fence.TaskUid, Ct)).State.Scenes[0].StalledAt.ShouldNotBeNull();
        await UntilAsync(fence, frames => frames + 100, _ => { }, "lease_progressed");
        (await _platform.Ledger.LoadTaskAsync(fence.TaskUid, Ct)).State.Scenes[0].StalledAt.ShouldBeNull();
        (await TypesAsync(fence)).Count(t => t is "lease_stalled" or "lease_progressed" or "lease_drain_requested").ShouldBe(2);
    }

    [Fact]
    public async Task A_stall_that_lasts_drains_the_worker_and_then_takes_its_lease()
    {
        var fence = await _platform.RunAsync("gpu-0", "a", Terms(new GradeTerms(0, 0, 0, 2, 1)));
        await UntilAsync(fence, _ => 10, _ => { }, "lease_expired");
        (await TypesAsync(fence)).ShouldBe([
            "lease_requested", "lease_granted", "lease_attached", "lease_stalled", "lease_drain_requested", "lease_expired",
                "slot_quarantined"]);
    }

    [Fact]
    public async Task When_all_holders_fall_silent_at_once_each_is_kept_until_its_bound_and_the_authority_tells_of_it()
    {
        var fences = new List<AttemptFence>();
        foreach (var device in new[] { "gpu-0", "gpu-1", "gpu-2" })
            fences.Add(await _platform.RunAsync(device, device, new LeaseTerms(0, 600, 3, 6)));
        await Task.WhenAll(fences.Select(f => _platform.BeatAsync(f, 1)));
        await WaitAsync(async () =>
        {
            await _watch.LookAsync(_start, _platform.Epoch, Ct);
            return (await AuthorityAsync()).Contains("observation_lost");
        });
        (await StatesAsync()).ShouldAllBe(s => s == SlotState.Granted);
        await WaitAsync(async () =>
        {
            await _watch.LookAsync(_start, _platform.Epoch, Ct);
            return (await StatesAsync()).All(s => s == SlotState.Quarantined);
        });
        (await _platform.Ledger.LoadLeaseAsync(fences[0].LeaseUid!, Ct)).State.EndReason.ShouldBe("HeartbeatLost");
    }

    [Fact]
    public async Task A_slot_whose_pool_has_a_lock_delay_is_freed_by_time_and_no_other()
    {
        var delayed = await _platform.RunAsync("gpu-0", "a", Terms(null) with { LockDelay = new LockDelayTerms(1, 2) });
        var never = await _platform.RunAsync("gpu-1", "b", Terms(null));
        foreach (var fence in new[] { delayed, never })
            await _platform.LeaseAsync(fence.LeaseUid!, new LeaseCommand.Revoke("anna", "test"));
        await WaitAsync(async () =>
        {
            await _watch.LookAsync(_start, _platform.Epoch, Ct);
            return (await TypesAsync(delayed)).Contains("slot_freed");
        });
        (await _platform.Ledger.LoadLeaseAsync(delayed.LeaseUid!, Ct)).State.Freed!.Proof.ShouldBe(FreeProof.LockDelay);
        (await _platform.SlotAsync("gpu-1")).State.ShouldBe(SlotState.Quarantined);
    }

    LivenessWatch NewLeader() => new(
        _platform.Ledger, _platform.Attempts, new LeaseService(_platform.Ledger, new AttemptSignals()), LongestMassSilence,
        TimeProvider.System, NullLogger<LivenessWatch>.Instance);

    static LeaseTerms Terms(GradeTerms? grades) => new(0, 600, 1, 2, grades);

    /// <summary>Beats and looks until the lease's stream holds the event.</summary>
    async Task UntilAsync(AttemptFence fence, Func<long, long> frames, Action<BeatOutcome> heard, string type,
        Func<LivenessWatch>? leader = null)
    {
        await WaitAsync(async () =>
        {
            _sequence++;
            heard(await _platform.BeatAsync(fence, _sequence, frames(_sequence)));
            await (leader?.Invoke() ?? _watch).LookAsync(_start, _platform.Epoch, Ct);
            return (await TypesAsync(fence)).Contains(type);
        });
    }

    readonly long _start = TimeProvider.System.GetTimestamp();
    long _sequence;

    static async Task WaitAsync(Func<Task<bool>> happened)
    {
        var clock = Stopwatch.StartNew();
        while (!await happened())
            clock.Elapsed.ShouldBeLessThan(Deadline, "it did not happen");
    }

    async Task<IReadOnlyList<string>> TypesAsync(AttemptFence fence) =>
        [.. (await _platform.Ledger.ReadLeaseHistoryAsync(fence.LeaseUid!, Ct)).Select(h => h.Type)];

    async Task<IReadOnlyList<SlotState>> StatesAsync() => [.. (await _platform.SlotsAsync()).Select(s => s.State)];

    async Task<IReadOnlyList<string>> AuthorityAsync() =>
        [.. (await _platform.Guarded.FetchStreamAsync("authority-cluster", 1, Ct)).Events.Select(e => e.TypeName)];
}
