using System.Collections.Concurrent;
using Framelease.Cli.Leases;
using Framelease.Devices;
using Framelease.GpuWorker.Api;
using Framelease.GpuWorker.Tests.Support;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Tests.Leases;

/// <summary>The holder's side against an operator that says what the test says, on a clock that the test moves.</summary>
public sealed class LeaseHoldTests
{
    static readonly HolderAttachRequest Request = new("0.1.0", "default", "uid", "holder-1");

    readonly ManualTime _time = new();
    readonly NvidiaSmi _devices = new(TimeProvider.System, "/no/such/nvidia-smi");
    readonly ScriptedApi _api = new();
    readonly StringWriter _said = new();
    readonly ConcurrentQueue<HoldOrder> _orders = new();
    readonly CancellationTokenSource _stop = new();

    [Fact]
    public async Task It_beats_at_its_interval_with_rising_sequences_and_stops_with_the_command()
    {
        var beating = await HoldAsync();
        await BeatsAsync(3);
        _api.Beats.Select(b => b.Sequence).ShouldBe([1, 2, 3]);
        await _stop.CancelAsync();
        await beating;
        _orders.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_drain_command_is_passed_on_once_with_its_grace()
    {
        _api.Reply = _ => Ok(new BeatReply(WorkerCommand.Drain, 300, 20, "soft limit"));
        var beating = await HoldAsync();
        await BeatsAsync(3);
        _orders.ShouldBe([new HoldOrder.End(TimeSpan.FromSeconds(20), "soft limit", false)]);
        await _stop.CancelAsync();
        await beating;
    }

    [Fact]
    public async Task A_stale_holder_kills_at_once_and_beats_no_more()
    {
        _api.Reply = _ => new ApiAnswer<BeatReply>.Refused(409, RefusalReasons.StaleHolder, "token 8 was granted");
        await await HoldAsync();
        _orders.ShouldBe([new HoldOrder.Kill("token 8 was granted")]);
    }

    [Fact]
    public async Task Lost_contact_touches_nothing()
    {
        _api.Reply = _ => new ApiAnswer<BeatReply>.Later("connection refused", false, null);
        var beating = await HoldAsync();
        await BeatsAsync(8);
        _orders.ShouldBeEmpty();
        _said.ToString().Split('\n').Count(l => l.Contains("no contact", StringComparison.Ordinal)).ShouldBe(1);
        await _stop.CancelAsync();
        await beating;
    }

    [Fact]
    public async Task However_long_contact_was_lost_it_is_heard_well_within_a_timeout_once_the_operator_is_back()
    {
        var tries = new ConcurrentQueue<TimeSpan>();
        _api.Lease = _api.Lease with { HeartbeatTimeoutSeconds = 20 };
        _api.Reply = _ =>
        {
            tries.Enqueue(TimeSpan.FromTicks(_time.GetTimestamp()));
            return new ApiAnswer<BeatReply>.Later("no answer in 5 s", false, null);
        };
        var beating = await HoldAsync();
        await BeatsAsync(40);
        // 5 s, and what the moved clock is ahead of who reads it.
        tries.Zip(tries.Skip(1), (one, next) => next - one).Max().ShouldBeLessThan(TimeSpan.FromSeconds(12));
        await _stop.CancelAsync();
        await beating;
    }

    [Fact]
    public async Task Lost_contact_ends_the_command_where_the_pool_says_so_and_early_enough()
    {
        _api.Lease = _api.Lease with { StopAfterSeconds = 30 };
        _api.Reply = _ => new ApiAnswer<BeatReply>.Later("connection refused", false, null);
        var beating = await HoldAsync();
        await UntilAsync(() => !_orders.IsEmpty);
        var end = _orders.ShouldHaveSingleItem().ShouldBeOfType<HoldOrder.End>();
        (end.LeaseLost, end.Grace).ShouldBe((true, TimeSpan.FromSeconds(15)));
        TimeSpan.FromTicks(_time.GetTimestamp()).ShouldBeInRange(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(33));
        await _stop.CancelAsync();
        await beating;
    }

    [Fact]
    public async Task A_command_that_was_asked_to_end_is_killed_when_contact_is_lost_where_the_pool_says_so()
    {
        _api.Lease = _api.Lease with { StopAfterSeconds = 30 };
        _api.Reply = _ => Ok(new BeatReply(WorkerCommand.Drain, 300, 3600, "soft limit"));
        var beating = await HoldAsync();
        await UntilAsync(() => !_orders.IsEmpty);
        _api.Reply = _ => new ApiAnswer<BeatReply>.Later("connection refused", false, null);
        var lostAt = TimeSpan.FromTicks(_time.GetTimestamp());
        await UntilAsync(() => _orders.Count > 1);
        (TimeSpan.FromTicks(_time.GetTimestamp()) - lostAt).ShouldBeInRange(TimeSpan.FromSeconds(28), TimeSpan.FromSeconds(31));
        _orders.ShouldBe(
        [
            new HoldOrder.End(TimeSpan.FromHours(1), "soft limit", LeaseLost: false),
            new HoldOrder.Kill("no contact with the operator for 30 s, and the pool says Stop"),
        ]);
        await _stop.CancelAsync();
        await beating;
    }

    [Fact]
    public async Task A_beat_that_hangs_does_not_put_the_stop_off()
    {
        _api.Lease = _api.Lease with { StopAfterSeconds = 30 };
        _api.Hangs = true;
        var beating = await HoldAsync();
        await UntilAsync(() => !_orders.IsEmpty);
        _orders.ShouldHaveSingleItem().ShouldBeOfType<HoldOrder.End>().LeaseLost.ShouldBeTrue();
        TimeSpan.FromTicks(_time.GetTimestamp()).ShouldBe(TimeSpan.FromSeconds(30));
        await _stop.CancelAsync();
        await beating;
    }

    [Fact]
    public async Task A_credential_that_is_no_longer_known_is_renewed_for_the_same_lease()
    {
        _api.Reply = c => c == "first" ? new ApiAnswer<BeatReply>.Refused(401, "Unauthorized", "") : Ok(new BeatReply(WorkerCommand.Continue, 300, 0, null));
        var beating = await HoldAsync();
        _api.Lease = _api.Lease with { Credential = "second" };
        await UntilAsync(() => _api.Credentials.Contains("second"));
        _orders.ShouldBeEmpty();
        await _stop.CancelAsync();
        await beating;
    }

    [Fact]
    public async Task A_release_is_tried_until_it_is_taken_and_given_up_in_time()
    {
        var hold = new LeaseHold(_api, Request, _devices, new LeaseSay(_said, false), _time, new Random(1));
        await hold.AttachAsync(CancellationToken.None);
        _api.Releases = 3;
        await AdvancingAsync(hold.ReleaseAsync("exit code 0", TimeSpan.FromSeconds(30), CancellationToken.None), expected: true);
        _api.Releases = int.MaxValue;
        await AdvancingAsync(hold.ReleaseAsync("exit code 0", TimeSpan.FromSeconds(30), CancellationToken.None), expected: false);
        _said.ToString().ShouldContain("the lease ends by silence");
    }

    static ApiAnswer<BeatReply> Ok(BeatReply reply) => new ApiAnswer<BeatReply>.Ok(reply);

    async Task<Task> HoldAsync()
    {
        var hold = new LeaseHold(_api, Request, _devices, new LeaseSay(_said, false), _time, new Random(1));
        (await hold.AttachAsync(CancellationToken.None)).ShouldBeOfType<ApiAnswer<HeldLease>.Ok>();
        return hold.BeatAsync(_orders.Enqueue, _stop.Token);
    }

    Task BeatsAsync(int count) => UntilAsync(() => _api.Beats.Count >= count);

    Task UntilAsync(Func<bool> met) => Eventually.Holds(
        () =>
        {
            if (met())
                return true;
            _time.Advance(TimeSpan.FromSeconds(1));
            return met();
        },
        "the holder does what is expected", 30);

    async Task AdvancingAsync(Task<bool> release, bool expected)
    {
        await UntilAsync(() => release.IsCompleted);
        (await release).ShouldBe(expected);
    }

    sealed class ScriptedApi : IHolderApi
    {
        public Task<ApiAnswer<HolderWaitReply>> WaitAsync(HolderWaitRequest request, CancellationToken ct) =>
            throw new NotSupportedException("whoever holds a lease waits no more");

        public HeldLease Lease { get; set; } = new("uid", "holder-1", 7, "first", new LeasedDevice("d", 0, "n", "Software", 0), "node-1", 1, 300, 30);

        public Func<string, ApiAnswer<BeatReply>> Reply { get; set; } = _ => Ok(new BeatReply(WorkerCommand.Continue, 300, 0, null));

        public ConcurrentQueue<HolderBeatRequest> Beats { get; } = new();

        public ConcurrentQueue<string> Credentials { get; } = new();

        /// <summary>Beats get no answer before they are cancelled.</summary>
        public bool Hangs { get; set; }

        /// <summary>How many releases find no operator.</summary>
        public int Releases { get; set; }

        public Task<ApiAnswer<HeldLease>> AttachAsync(HolderAttachRequest request, CancellationToken ct) =>
            Task.FromResult<ApiAnswer<HeldLease>>(new ApiAnswer<HeldLease>.Ok(Lease));

        public async Task<ApiAnswer<BeatReply>> BeatAsync(string credential, HolderBeatRequest request, TimeSpan within, CancellationToken ct)
        {
            Beats.Enqueue(request);
            Credentials.Enqueue(credential);
            if (Hangs)
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            return Reply(credential);
        }

        public Task<ApiAnswer<HolderReleaseReply>> ReleaseAsync(string credential, HolderReleaseRequest request, CancellationToken ct) =>
            Task.FromResult<ApiAnswer<HolderReleaseReply>>(
                Releases-- > 0 ? new ApiAnswer<HolderReleaseReply>.Later("away", false, null) : new ApiAnswer<HolderReleaseReply>.Ok(new HolderReleaseReply(true)));
    }
}
