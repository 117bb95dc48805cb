using System.Security.Cryptography;
using Framelease.Devices;
using Framelease.Devices.Tests;
using Framelease.GpuWorker.Tests.Support;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Tests.Attempts;

/// <summary>The whole worker against a scripted operator: what ends well, and what is lost on the way.</summary>
[Collection(ClipsCollection.Name)]
public sealed class WorkerTests(Clips clips) : IAsyncLifetime
{
    WorkerHarness _worker = null!;

    ScriptedOperator Operator => _worker.Operator;

    public async Task InitializeAsync()
    {
        _worker = await WorkerHarness.StartAsync();
        Operator.ObjectFile = clips.Plain;
    }

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    void ShouldLeaveNothing() => Directory.GetFileSystemEntries(_worker.Scratch).ShouldBeEmpty();

    void ShouldBeCommitted()
    {
        var complete = Operator.Completes.Last();
        var stored = Operator.Objects[complete.Key];
        complete.Sha256.ShouldBe(Convert.ToHexStringLower(SHA256.HashData(stored)));
        complete.Bytes.ShouldBe(stored.Length);
        Operator.Fails.ShouldBeEmpty();
        ShouldLeaveNothing();
    }

    static void Slow(ScriptedOperator scripted, string input) => scripted.Change = a => a with
    {
        Engine = a.Engine with { Parameters = new Dictionary<string, string> { ["codec"] = "h265", ["preset"] = "veryslow" } },
        Input = a.Input with { DisplayUri = Path.GetFileName(input) },
    };

    void MakeSlow()
    {
        Operator.ObjectFile = clips.Long;
        Slow(Operator, clips.Long);
    }

    void OnAProbedGpu() => Operator.Change = a => a with
    {
        Device = new LeasedDevice("GPU-a", 0, "Card", "Gpu", 0),
        Probe = new ProbeTerms(512, Tries: 1, RetrySeconds: 1),
    };

    [Fact]
    public async Task A_device_that_is_dirty_before_the_work_is_not_touched()
    {
        using var smi = new ScriptedSmi("case \"$2\" in --query-gpu*) echo '90, 900, 24576, 61';; *) echo '1, 812, python';; esac");
        _worker.Devices = new NvidiaSmi(TimeProvider.System, smi.Program);
        OnAProbedGpu();
        (await _worker.RunAsync()).ShouldBe(ExitCode.Failed, _worker.Log);
        var fail = Operator.Fails.ShouldHaveSingleItem();
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.Gpu, FailReasons.DeviceDirty, true));
        fail.Probes!.Before!.ShouldSatisfyAllConditions(
            p => p.IsClean.ShouldBeFalse(), p => p.ForeignProcesses.ShouldBe(1), p => p.MemoryUsedMiB.ShouldBe(900),
            p => p.Finding.ShouldBe("foreign process 1 (python, 812 MiB); 900 MiB in use, allowed are 512"));
        fail.Probes.After.ShouldBeNull();
        Operator.Objects.ShouldBeEmpty();
        Operator.Beats.ShouldNotContain(b => b.Phase == WorkerPhase.Running);
        ShouldLeaveNothing();
    }

    [Theory]
    [InlineData("GPU-shown", "GPU-shown")]
    [InlineData("void", "GPU-listed")]
    public async Task Where_the_kubelet_chose_the_device_attach_tells_which(string shown, string told)
    {
        using var smi = new ScriptedSmi("case \"$1\" in --query-gpu=uuid,index*) echo 'GPU-listed, 0, L4, 24576';; esac");
        _worker.Devices = new NvidiaSmi(TimeProvider.System, smi.Program);
        _worker.Options = o => o with
        {
            ReportsDevices = true,
            ShownDevices = shown.StartsWith("GPU-", StringComparison.Ordinal) ? [shown] : [],
        };
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        Operator.Attaches.ShouldHaveSingleItem().DeviceIds.ShouldBe([told]);
    }

    [Fact]
    public async Task Elsewhere_no_device_is_looked_for_before_the_attach()
    {
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        Operator.Attaches.ShouldHaveSingleItem().DeviceIds.ShouldBeNull();
    }

    [Theory]
    [InlineData("GPU-a", "GPU-a")]
    [InlineData("GPU-a, MIG-b", "GPU-a MIG-b")]
    [InlineData("all", "")]
    [InlineData("0,1", "")]
    [InlineData("/var/run/nvidia-container-devices", "")]
    [InlineData(null, "")]
    public void The_environment_names_devices_for_certain_only_by_uuid(string? text, string devices)
    {
        var options = WorkerOptions.Read(name => name switch
        {
            "NVIDIA_VISIBLE_DEVICES" => text,
            "FRAMELEASE_REPORT_DEVICES" => "true",
            "FRAMELEASE_OPERATOR_URL" => "http://operator",
            "FRAMELEASE_ATTACH_SECONDS" => "600",
            _ => "x",
        });
        options.ReportsDevices.ShouldBeTrue();
        string.Join(' ', options.ShownDevices).ShouldBe(devices);
    }

    [Fact]
    public async Task A_device_that_is_dirty_after_the_work_is_told_with_the_result()
    {
        // Dirty from the moment on at which the engine writes.
        using var smi = new ScriptedSmi($"""
            dirty=0; ls {_worker.Scratch}/*/output* > /dev/null 2>&1 && dirty=1
            case "$2" in --query-gpu*) [ $dirty = 1 ] && echo '0, 900, 24576, 61' || echo '0, 3, 24576, 40';; esac
            exit 0
            """);
        _worker.Devices = new NvidiaSmi(TimeProvider.System, smi.Program);
        OnAProbedGpu();
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        ShouldBeCommitted();
        var probes = Operator.Completes.Last().Probes!;
        (probes.Before!.IsClean, probes.After!.IsClean).ShouldBe((true, false), _worker.Log);
        probes.After.Finding.ShouldBe("900 MiB in use, allowed are 512");
    }

    [Fact]
    public async Task Where_nothing_can_be_looked_at_and_on_software_slots_nothing_is_told()
    {
        OnAProbedGpu();
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        Operator.Completes.Last().Probes.ShouldBeNull();
    }

    [Fact]
    public async Task Beats_tell_how_the_device_is()
    {
        using var smi = new ScriptedSmi("echo '88, 2048, 24576, 61'");
        _worker.Devices = new NvidiaSmi(TimeProvider.System, smi.Program);
        MakeSlow();
        var slow = Operator.Change;
        Operator.Change = a => slow(a) with { Device = new LeasedDevice("GPU-a", 0, "Card", "Gpu", 0) };
        var running = _worker.RunAsync();
        await Eventually.Holds(() => Operator.Beats.Any(b => b.Device is not null) || running.IsCompleted, "a beat tells of the device", 30);
        Operator.Beats.Select(b => b.Device).OfType<DeviceTelemetry>().First().ShouldBe(new DeviceTelemetry(88, 2048, 24576, 61), _worker.Log);
        _worker.Terminate();
        await running;
    }

    [Fact]
    public async Task A_task_ends_with_a_committed_video()
    {
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        ShouldBeCommitted();
        var complete = Operator.Completes.ShouldHaveSingleItem();
        complete.Media.ShouldBe(new MediaFacts("mp4", "h264", 160, 90, complete.Media.DurationMillis, "aac", complete.Media.BitRate));
        complete.Media.DurationMillis.ShouldBeInRange(1900, 2200);
        (complete.Encoder, complete.Frames).ShouldBe(("libx264", 50));
        complete.EncoderReason.ShouldContain("software slot");
        complete.CpuMillis.ShouldBeGreaterThan(0);
        Operator.Attaches.ShouldHaveSingleItem().ShouldBe(
            new AttachRequest("1.2.3", "vt-demo-0-1", "demo", "pod-uid-1", "node-1", Protocol: ProtocolVersion.Current.ToString()));
        Operator.Credentials.First().ShouldBe("Bearer pod-token");
        Operator.Credentials.Skip(1).ShouldAllBe(c => c == "Bearer " + ScriptedOperator.Credential);
        Operator.Requests.First().ShouldBe("POST /worker/v1/attach"); // neither input nor device before it
    }

    [Fact]
    public async Task Beats_rise_in_sequence_and_tell_the_phases_in_order()
    {
        MakeSlow();
        Operator.Change = a => a with { Engine = a.Engine with { Parameters = new Dictionary<string, string> { ["preset"] = "slower" } } };
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        var beats = Operator.Beats.ToList();
        beats.Select(b => b.Sequence).ShouldBe(Enumerable.Range(1, beats.Count).Select(i => (long)i));
        beats.Select(b => b.Phase).ShouldBe(beats.Select(b => b.Phase).Order());
        beats.Select(b => b.PerMille).ShouldBe(beats.Select(b => b.PerMille).Order());
        var running = beats.Where(b => b.Phase == WorkerPhase.Running && b.Frames > 0).ToList();
        running.ShouldNotBeEmpty();
        running.ShouldAllBe(b => b.TotalFrames == 600 && b.PerMille > 0);
        running.ShouldContain(b => b.FpsMillis > 0 && b.SpeedMillis > 0 && b.OutputBytes >= 0);
    }

    [Fact]
    public async Task The_log_reads_as_a_story()
    {
        await _worker.RunAsync();
        foreach (var line in (string[])
            [
                "framelease-worker 1.2.3: pod demo/vt-demo-0-1 on node-1",
                "attached: task task-1 scene 0 attempt 1, device soft-0 (Software), slot token 7",
                "input: object inputs/clip.mp4",
                "input: fetched ",
                "input: mp4, h264 320x180, 25 fps, 2.0 s, aac",
                "engine: ffmpeg-transcode with libx264 (",
                "engine: 50 frames in ",
                "upload: ",
                "complete: file:///store/staging/out.mp4",
            ])
        {
            _worker.Log.ShouldContain(line);
        }

        _worker.Log.ShouldNotContain("?s=1"); // no signature
        _worker.Log.ShouldNotContain(ScriptedOperator.Credential);
    }

    [Fact]
    public async Task A_worker_that_is_quicker_than_the_record_of_its_pod_attaches_a_moment_later()
    {
        Operator.Before = (path, n, context) =>
            path.EndsWith("attach", StringComparison.Ordinal) && n <= 4 ? ScriptedOperator.Problem(context, n == 1 ? 425 : n == 2 ? 503 : n == 3 ? 429 : 401, "TooEarly") : Task.FromResult(false);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
    }

    [Fact]
    public async Task Attach_gives_up_at_the_start_deadline()
    {
        _worker.AttachWithin = TimeSpan.FromSeconds(1);
        Operator.Before = (_, _, context) => ScriptedOperator.Problem(context, 503, "Unavailable");
        (await _worker.RunAsync()).ShouldBe(ExitCode.NotStarted);
        _worker.Log.ShouldContain("no assignment within 1 s; last: 503");
        Operator.Requests.ShouldAllBe(r => r == "POST /worker/v1/attach");
    }

    [Theory]
    [InlineData(409, "StaleHolder", ExitCode.Stale)]
    [InlineData(403, "Forbidden", ExitCode.NotStarted)]
    [InlineData(400, "Invalid", ExitCode.NotStarted)]
    public async Task A_refused_attach_ends_the_worker_at_once(int status, string reason, int exit)
    {
        Operator.Before = (_, _, context) => ScriptedOperator.Problem(context, status, reason);
        (await _worker.RunAsync()).ShouldBe(exit);
        Operator.Requests.ShouldHaveSingleItem();
        ShouldLeaveNothing();
    }

    [Fact]
    public async Task A_stale_holder_stops_at_once_and_writes_nothing_more()
    {
        MakeSlow();
        Operator.Before = (path, n, context) => path.EndsWith("beat", StringComparison.Ordinal) && Operator.Beats.Any(b => b.Phase == WorkerPhase.Running)
            ? ScriptedOperator.Problem(context, 409, "StaleHolder", "the slot's token is 8")
            : Task.FromResult(false);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Stale, _worker.Log);
        Operator.Requests.Last().ShouldBe("POST /worker/v1/beat");
        Operator.Requests.ShouldNotContain(r => r.StartsWith("PUT", StringComparison.Ordinal) || r.EndsWith("complete", StringComparison.Ordinal) || r.EndsWith("fail", StringComparison.Ordinal));
        _worker.Log.ShouldContain("another holder has this slot by now (the slot's token is 8); nothing more is written");
        ShouldLeaveNothing();
    }

    [Fact]
    public async Task Stop_ends_the_engine_and_the_attempt_is_cancelled()
    {
        MakeSlow();
        Operator.Reply = beat => beat.Frames > 0 ? new BeatReply(WorkerCommand.Stop, 0, 5, "the task was cancelled") : new BeatReply(WorkerCommand.Continue, 300, 0, null);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Failed, _worker.Log);
        var fail = Operator.Fails.ShouldHaveSingleItem();
        (fail.Category, fail.Reason).ShouldBe((FailCategory.Cancelled, FailReasons.Stopped));
        fail.Message.ShouldContain("the task was cancelled");
        Operator.Objects.ShouldBeEmpty();
        ShouldLeaveNothing();
    }

    [Fact]
    public async Task Drain_stops_what_cannot_finish_in_time()
    {
        MakeSlow();
        Operator.Reply = beat => beat.Frames > 0 ? new BeatReply(WorkerCommand.Drain, 300, 1, "soft timeout") : new BeatReply(WorkerCommand.Continue, 300, 0, null);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Failed, _worker.Log);
        Operator.Fails.ShouldHaveSingleItem().Message.ShouldContain("drain: soft timeout");
    }

    [Fact]
    public async Task Drain_lets_what_is_nearly_done_finish()
    {
        MakeSlow();
        Operator.Change = a => a with { Engine = a.Engine with { Parameters = new Dictionary<string, string> { ["preset"] = "ultrafast" } } };
        Operator.Reply = beat => beat is { Phase: WorkerPhase.Running, SpeedMillis: > 0 } ? new BeatReply(WorkerCommand.Drain, 300, 3600, "soft timeout") : new BeatReply(WorkerCommand.Continue, 300, 0, null);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        ShouldBeCommitted();
    }

    [Fact]
    public async Task Sigterm_is_reported_and_ends_within_five_seconds()
    {
        MakeSlow();
        var run = _worker.RunAsync();
        await Eventually.Holds(() => Operator.Beats.Any(b => b.Frames > 0), "frames move");
        var asked = TimeProvider.System.GetTimestamp();
        _worker.Terminate();
        (await run).ShouldBe(ExitCode.Terminated, _worker.Log);
        TimeProvider.System.GetElapsedTime(asked).TotalSeconds.ShouldBeLessThan(5);
        Operator.Fails.ShouldHaveSingleItem().Category.ShouldBe(FailCategory.Cancelled);
        ShouldLeaveNothing();
    }

    [Fact]
    public async Task Sigterm_during_attach_ends_without_a_word()
    {
        Operator.Before = (_, _, context) => ScriptedOperator.Problem(context, 503, "Unavailable");
        var run = _worker.RunAsync();
        await Eventually.Holds(() => !Operator.Requests.IsEmpty, "attach is tried");
        _worker.Terminate();
        (await run).ShouldBe(ExitCode.Terminated);
    }

    [Fact]
    public async Task Lost_contact_does_not_touch_the_work_and_the_result_is_delivered_when_the_operator_is_back()
    {
        var uploaded = false;
        Operator.Before = async (path, n, context) =>
        {
            uploaded |= context.Request.Method == "PUT";
            var gone = path.EndsWith("beat", StringComparison.Ordinal) || (path.EndsWith("complete", StringComparison.Ordinal) && n <= 3);
            if (!gone)
                return false;
            if (n % 2 == 0)
                return await ScriptedOperator.Problem(context, 503, "Unavailable");
            context.Abort();
            return true;
        };
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        uploaded.ShouldBeTrue();
        _worker.Log.ShouldContain("operator: no contact (");
        _worker.Log.ShouldContain("the work goes on");
        _worker.Log.ShouldContain("trying on until the operator has it");
        ShouldBeCommitted();
    }

    [Fact]
    public async Task A_lost_reply_of_complete_is_asked_for_again_with_the_same_digest()
    {
        Operator.Before = async (path, n, context) =>
        {
            if (!path.EndsWith("complete", StringComparison.Ordinal) || n > 1)
                return false;
            context.Response.Body = Stream.Null;
            await Operator.CompleteAsync(context);
            context.Abort();
            return true;
        };
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        Operator.Completes.Count.ShouldBe(2);
        Operator.Completes.First().ShouldBe(Operator.Completes.Last());
    }

    [Fact]
    public async Task No_beat_arrives_behind_a_complete()
    {
        Operator.Before = async (path, n, context) =>
        {
            if (!path.EndsWith("complete", StringComparison.Ordinal) || n > 2)
                return false;
            context.Abort();
            return await Task.FromResult(true);
        };
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        var requests = Operator.Requests.ToList();
        requests.LastIndexOf("POST /worker/v1/beat").ShouldBeLessThan(requests.IndexOf("POST /worker/v1/complete"));
    }

    [Fact]
    public async Task A_lost_reply_of_the_upload_meets_412_and_completes()
    {
        Operator.Before = async (path, n, context) =>
        {
            if (context.Request.Method != "PUT" || n > 1)
                return false;
            await Operator.PutAsync(context, "staging/out.mp4");
            context.Abort();
            return true;
        };
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        Operator.Requests.Count(r => r.StartsWith("PUT", StringComparison.Ordinal)).ShouldBe(2);
        ShouldBeCommitted();
    }

    [Fact]
    public async Task Another_object_under_the_key_is_never_committed()
    {
        Operator.Objects["staging/out.mp4"] = [1, 2, 3];
        (await _worker.RunAsync()).ShouldBe(ExitCode.Failed, _worker.Log);
        var fail = Operator.Fails.ShouldHaveSingleItem();
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.Storage, FailReasons.OutputNotWritable, true));
    }

    [Fact]
    public async Task Expired_urls_are_renewed_by_a_second_attach()
    {
        var seen = 0;
        Operator.Change = a => a with { Output = a.Output with { PutUrl = $"{Operator.Url}objects/staging/out.mp4?s={Interlocked.Increment(ref seen)}" } };
        Operator.Before = (path, n, context) => path.StartsWith("/objects/", StringComparison.Ordinal) && n == 1
            ? ScriptedOperator.Problem(context, 403, "Forbidden", "expired")
            : Task.FromResult(false);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        Operator.Attaches.Count.ShouldBe(3); // one for the input's URL, one for the output's
        ShouldBeCommitted();
    }

    [Fact]
    public async Task An_object_that_the_store_lost_is_uploaded_again()
    {
        Operator.Before = (path, n, _) =>
        {
            if (path.EndsWith("complete", StringComparison.Ordinal) && n == 1)
                Operator.Objects.Clear();
            return Task.FromResult(false);
        };
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        Operator.Completes.Count.ShouldBe(2);
        ShouldBeCommitted();
    }

    [Theory]
    [InlineData("ConflictingResult", ExitCode.Failed)]
    [InlineData("StaleHolder", ExitCode.Stale)]
    public async Task A_complete_that_is_refused_for_good_is_not_repeated(string reason, int exit)
    {
        Operator.Before = (path, _, context) => path.EndsWith("complete", StringComparison.Ordinal) ? ScriptedOperator.Problem(context, 409, reason) : Task.FromResult(false);
        (await _worker.RunAsync()).ShouldBe(exit, _worker.Log);
        Operator.Requests.Count(r => r.EndsWith("complete", StringComparison.Ordinal)).ShouldBe(1);
        Operator.Fails.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_credential_that_is_no_longer_accepted_is_renewed()
    {
        Operator.Before = (path, n, context) => path.EndsWith("complete", StringComparison.Ordinal) && n == 1 ? ScriptedOperator.Problem(context, 401, "Unauthorized") : Task.FromResult(false);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
        Operator.Attaches.Count.ShouldBe(2);
    }
}
