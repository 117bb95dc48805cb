using System.Collections.Concurrent;
using Framelease.Devices;
using Framelease.GpuWorker.Api;
using Framelease.GpuWorker.Attempts;
using Framelease.GpuWorker.Tests.Support;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Tests.Attempts;

/// <summary>What the heart does when no beat is answered, on a clock that the test moves.</summary>
public sealed class HeartTests : IDisposable
{
    static readonly Assignment Plain = new()
    {
        Attempt = new AttemptRef("task-1", 0, 1, "pod-1", "lease-1", 7),
        Credential = "c",
        Engine = new EngineCall("ffmpeg-transcode", "FfmpegTranscode", new Dictionary<string, string>()),
        Input = new InputSource("http://127.0.0.1/", "in", Presigned: true, [], [], 1),
        Output = new OutputTarget("out", "http://127.0.0.1/", "video/mp4", 1),
        Limits = new Limits(0, 0, 0),
        HeartbeatIntervalSeconds = 10,
        HeartbeatTimeoutSeconds = 60,
        ProgressIntervalSeconds = 10,
        DrainGraceSeconds = 40,
    };

    readonly ManualTime _time = new();
    readonly StopOrders _orders = new();
    readonly ProgressBoard _board = new();
    readonly CancellationTokenSource _stop = new();
    readonly ScriptedApi _api = new();

    public void Dispose()
    {
        _orders.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Lost_contact_touches_nothing_by_default()
    {
        _api.Answer = Away;
        var beating = Start(Plain);
        await BeatsAsync(20);
        _orders.Current.ShouldBeNull();
        await StopAsync(beating);
    }

    [Fact]
    public async Task However_long_contact_was_lost_it_is_heard_well_within_a_timeout_once_the_operator_is_back()
    {
        var tries = new ConcurrentQueue<TimeSpan>();
        _api.Answer = (beat, cancel) =>
        {
            tries.Enqueue(Now);
            return Away(beat, cancel);
        };
        var beating = Start(Plain with { HeartbeatTimeoutSeconds = 20 });
        await BeatsAsync(40);
        // 5 s, and what the moved clock is ahead of who reads it.
        tries.Zip(tries.Skip(1), (one, next) => next - one).Max().ShouldBeLessThan(TimeSpan.FromSeconds(12));
        await StopAsync(beating);
    }

    [Fact]
    public async Task Lost_contact_stops_the_work_where_the_pool_says_so_even_while_a_beat_hangs()
    {
        _api.Answer = async (_, cancel) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
            return await Away(null!, cancel);
        };
        var beating = Start(Plain with { StopAfterSeconds = 30 });
        _time.Advance(TimeSpan.FromSeconds(29.9));
        _orders.Current.ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(0.1));
        var order = _orders.Current.ShouldNotBeNull();
        (order.Kind, order.Grace).ShouldBe((StopKind.LostContact, TimeSpan.FromSeconds(15)));
        await StopAsync(beating);
    }

    [Fact]
    public async Task Lost_contact_is_counted_from_the_sending_of_the_last_beat_that_was_answered()
    {
        var beating = Start(Plain with { StopAfterSeconds = 30 });
        await BeatsAsync(4);
        var last = _api.LastAt;
        _api.Answer = Away;
        // Once it beats again, the answer before has been taken.
        await BeatsAsync(5);
        _time.Advance(last + TimeSpan.FromSeconds(29.9) - Now);
        _orders.Current.ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(0.1));
        _orders.Current.ShouldNotBeNull().Kind.ShouldBe(StopKind.LostContact);
        await StopAsync(beating);
    }

    [Fact]
    public async Task Work_that_was_told_to_stop_with_a_long_grace_is_ended_when_contact_is_lost_where_the_pool_says_so()
    {
        _api.Answer = (_, _) => Task.FromResult<ApiAnswer<BeatReply>>(
            new ApiAnswer<BeatReply>.Ok(new BeatReply(WorkerCommand.Stop, 300, 3600, "cancelled")));
        var beating = Start(Plain with { StopAfterSeconds = 30 });
        await Eventually.Holds(() => _orders.Current is not null, "the stop arrives");
        (_orders.Current!.Kind, _orders.Urgent.IsCancellationRequested).ShouldBe((StopKind.Stopped, false));
        _api.Answer = Away;
        _time.Advance(TimeSpan.FromSeconds(30));
        (_orders.Current!.Kind, _orders.Urgent.IsCancellationRequested).ShouldBe((StopKind.LostContact, true));
        await StopAsync(beating);
    }

    TimeSpan Now => TimeSpan.FromTicks(_time.GetTimestamp());

    static Task<ApiAnswer<BeatReply>> Away(BeatRequest beat, CancellationToken cancel) =>
        Task.FromResult<ApiAnswer<BeatReply>>(new ApiAnswer<BeatReply>.Later("connection refused", false, null));

    Task Start(Assignment assignment)
    {
        _api.Time = _time;
        var log = new WorkerLog(TextWriter.Null);
        var session = new Session(_api, new AttachRequest("1", "pod", "ns", "pod-1", "node"), assignment, log);
        var telemetry = new TelemetryLoop(new NvidiaSmi(_time, "/no/such/nvidia-smi"), null, _time);
        return new Heart(session, _api, _board, telemetry, _orders, log, _time, new Random(1)).RunAsync(_stop.Token);
    }

    Task BeatsAsync(int count) => Eventually.Holds(
        () =>
        {
            if (_api.Beats.Count < count)
                _time.Advance(TimeSpan.FromSeconds(1));
            return _api.Beats.Count >= count;
        },
        "beats are sent", 30);

    async Task StopAsync(Task beating)
    {
        await _stop.CancelAsync();
        await beating;
    }

    sealed class ScriptedApi : IWorkerApi
    {
        public Func<BeatRequest, CancellationToken, Task<ApiAnswer<BeatReply>>> Answer { get; set; } = (_, _) =>
            Task.FromResult<ApiAnswer<BeatReply>>(new ApiAnswer<BeatReply>.Ok(new BeatReply(WorkerCommand.Continue, 300, 0, null)));

        public ConcurrentQueue<BeatRequest> Beats { get; } = new();

        public TimeProvider Time { get; set; } = null!;

        public TimeSpan LastAt { get; private set; }

        public Task<ApiAnswer<BeatReply>> BeatAsync(string credential, BeatRequest request, TimeSpan within, CancellationToken cancellation)
        {
            LastAt = TimeSpan.FromTicks(Time.GetTimestamp());
            Beats.Enqueue(request);
            return Answer(request, cancellation);
        }

        public Task<ApiAnswer<Assignment>> AttachAsync(AttachRequest request, CancellationToken cancellation) =>
            throw new InvalidOperationException("the heart attaches again only after a 401");

        public Task<ApiAnswer<CompleteReply>> CompleteAsync(string credential, CompleteRequest request, CancellationToken cancellation) =>
            throw new InvalidOperationException("the heart completes nothing");

        public Task<ApiAnswer<FailReply>> FailAsync(string credential, FailRequest request, CancellationToken cancellation) =>
            throw new InvalidOperationException("the heart fails nothing");
    }
}
