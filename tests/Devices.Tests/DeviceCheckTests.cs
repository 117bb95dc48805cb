using System.Collections.Concurrent;
using System.Diagnostics;

namespace Framelease.Devices.Tests;

/// <summary>Clean or dirty: with the program that stands in for nvidia-smi, and real processes.</summary>
public sealed class DeviceCheckTests
{
    static readonly CheckBounds Bounds = new(512, 3, TimeSpan.FromSeconds(60));

    readonly InstantTime _time = new();
    readonly List<DeviceFinding> _notYet = [];

    [Fact]
    public async Task A_device_that_nobody_uses_is_clean_at_once()
    {
        using var smi = Smi("0, 3, 24576, 40", "");
        var found = await CheckAsync(smi, new MarkedProcesses("X=1"));
        found.ShouldBe(new DeviceFinding(true, 1, 3, 0, 0, null));
        _time.Waits.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_foreign_process_is_dirt_after_three_tries_a_minute_apart_and_is_left_alone()
    {
        using var foreign = Sleeper("OTHER=1");
        using var smi = Smi("90, 900, 24576, 60", $"{foreign.Id}, 812, /usr/bin/python");
        var found = (await CheckAsync(smi, new MarkedProcesses("MINE=1")))!;
        (found.IsClean, found.Tries, found.Foreign, found.UtilisationPercent).ShouldBe((false, 3, 1, 90));
        found.Finding.ShouldBe($"foreign process {foreign.Id} (python, 812 MiB); 900 MiB in use, allowed are 512");
        _notYet.Select(f => f.Tries).ShouldBe([1, 2]);
        _time.Waits.Count(w => w == TimeSpan.FromSeconds(60)).ShouldBe(2);
        foreign.HasExited.ShouldBeFalse();
        foreign.Kill();
    }

    [Fact]
    public async Task What_the_attempt_itself_left_behind_is_ended_and_then_the_device_is_clean()
    {
        using var left = Sleeper("FRAMELEASE_POD_UID=pod-1");
        using var smi = new ScriptedSmi($$"""
            case "$2" in
              --query-gpu*) echo '0, 3, 24576, 40';;
              *) [ -n "$(tr -d '\\0' < /proc/{{left.Id}}/environ)" ] && echo '{{left.Id}}, 100, ffmpeg';;
            esac
            exit 0
            """);
        var found = (await CheckAsync(smi, new MarkedProcesses("FRAMELEASE_POD_UID=pod-1"), async () => await left.WaitForExitAsync()))!;
        (found.IsClean, found.Tries).ShouldBe((true, 1), found.Finding);
        left.HasExited.ShouldBeTrue();
    }

    [Fact]
    public void A_mark_is_the_whole_variable_and_nobody_ends_what_does_not_carry_it()
    {
        using var other = Sleeper("FRAMELEASE_POD_UID=pod-12");
        var own = new MarkedProcesses("FRAMELEASE_POD_UID=pod-1");
        own.IsOurs(other.Id).ShouldBeFalse();
        own.End(other.Id);
        other.HasExited.ShouldBeFalse();
        other.Kill();
        own.IsOurs(int.MaxValue).ShouldBeFalse();
        own.End(int.MaxValue);
        own.IsSelf(Environment.ProcessId).ShouldBeTrue();
    }

    [Fact]
    public async Task Memory_that_is_used_where_no_process_shows_is_dirt_too_and_the_drivers_own_helpers_are_none()
    {
        using var full = Smi("0, 513, 24576, 40", "");
        (await CheckAsync(full, new MarkedProcesses("X=1")))!.Finding.ShouldBe("513 MiB in use, allowed are 512");
        using var helped = Smi("0, 512, 24576, 40", "77, 30, nvidia-cuda-mps-server");
        (await CheckAsync(helped, new MarkedProcesses("X=1")))!.IsClean.ShouldBeTrue();
    }

    [Fact]
    public async Task A_device_that_cannot_be_looked_at_is_neither()
    {
        using var smi = new ScriptedSmi("exit 9");
        (await CheckAsync(smi, new MarkedProcesses("X=1"))).ShouldBeNull();
    }

    Task<DeviceFinding?> CheckAsync(ScriptedSmi smi, IOwnProcesses own, Func<Task>? settled = null)
    {
        _time.Settled = settled;
        return new DeviceCheck(new NvidiaSmi(TimeProvider.System, smi.Program), own, _time)
            .RunAsync("GPU-a", Bounds, _notYet.Add, CancellationToken.None);
    }

    static ScriptedSmi Smi(string reading, string processes) => new($$"""
        case "$2" in --query-gpu*) echo '{{reading}}';; *) echo '{{processes}}';; esac
        """);

    static Process Sleeper(string mark)
    {
        var start = new ProcessStartInfo("sleep", ["60"]);
        var parts = mark.Split('=');
        start.Environment[parts[0]] = parts[1];
        var process = Process.Start(start)!;
        // Until the program itself runs, its environment is ours.
        SpinWait.SpinUntil(() => new MarkedProcesses(mark).IsOurs(process.Id), TimeSpan.FromSeconds(30)).ShouldBeTrue();
        return process;
    }

    /// <summary>Every wait is over at once, and remembered.</summary>
    sealed class InstantTime : TimeProvider
    {
        public ConcurrentQueue<TimeSpan> Waits { get; } = new();

        public Func<Task>? Settled { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Enqueue(dueTime);
            _ = FireAsync(callback, state);
            return new Nothing();
        }

        async Task FireAsync(TimerCallback callback, object? state)
        {
            if (Settled is { } settled)
                await settled();
            await Task.Yield();
            callback(state);
        }

        sealed class Nothing : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
                // It fires once, at once.
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
