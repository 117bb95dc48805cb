using System.Security.Cryptography;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Tests.Support;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Tasks;

/// <summary>Objects whose status tells what the log lacks (R12), on the whole operator: nothing is run or granted a second time.</summary>
[Collection(PostgresServer.Collection)]
public sealed class LostHistoryTests(PostgresServer server) : IAsyncLifetime
{
    static readonly byte[] Bytes = "the output"u8.ToArray();
    static readonly string Digest = Convert.ToHexStringLower(SHA256.HashData(Bytes));

    readonly string _objects = Directory.CreateTempSubdirectory("framelease-lost-history-").FullName;
    OperatorUnderTest _platform = null!;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Path.Combine(_objects, "objects"));
        await File.WriteAllBytesAsync(Path.Combine(_objects, "objects", "out.mp4"), Bytes);
        _platform = await OperatorUnderTest.StartAsync(server, o => o with { ObjectRoot = _objects });
        await _platform.Client.CreateAsync(new Tenant { Metadata = new() { Name = "all" }, Spec = new() { Namespaces = ["default"] } });
    }

    public async Task DisposeAsync()
    {
        await _platform.DisposeAsync();
        Directory.Delete(_objects, recursive: true);
    }

    [Fact]
    public async Task A_task_that_had_succeeded_is_not_run_again_its_bytes_are_readopted_by_digest_and_what_is_gone_is_told()
    {
        // Until the engine is there nothing is accepted: time to be what the lost history had left.
        await TaskAsync("kept", new { key = "out.mp4", uri = "file:///out.mp4", sha256 = Digest, bytes = Bytes.Length, videoCodec = "h264" });
        await TaskAsync("changed", new { key = "out.mp4", uri = "file:///out.mp4", sha256 = new string('0', 64), bytes = Bytes.Length });
        await TaskAsync("gone", new { key = "gone.mp4", uri = "file:///gone.mp4", sha256 = Digest, bytes = Bytes.Length });
        await TaskAsync("failed", null);
        await LostAsync("kept", "EndLost");
        (await _platform.Client.GetAsync<VideoTask>("kept", "default")).Status!.Output!.Key.ShouldBe("out.mp4");
        await _platform.Client.CreateAsync(new GpuPool { Metadata = new() { Name = "default" } });
        await _platform.Client.CreateAsync(new Engine
        {
            Metadata = new() { Name = "sim" },
            Spec = new EngineSpec { Image = "worker:1", Driver = EngineDriver.FfmpegTranscode, Device = EngineDevice.Gpu },
        });

        var kept = (await LostAsync("kept", "OutputReadopted")).Status!;
        (kept.Phase, kept.Output!.Sha256, kept.Output.VideoCodec).ShouldBe(("Succeeded", Digest, "h264"));
        (await TypesAsync("kept")).ShouldBe(["task_accepted", "task_admitted", "scene_queued", "output_readopted", "task_succeeded"]);
        foreach (var name in new[] { "changed", "gone" })
        {
            var lost = (await LostAsync(name, "OutputGone")).Status!;
            (lost.Phase, lost.Reason).ShouldBe(("Failed", "HistoryLost"));
            lost.Conditions!.Single(c => c.Type == "HistoryLost").Message.ShouldContain("Create the task anew");
        }

        var failed = await UntilAsync<VideoTask>("failed", t => t.Status?.SpecHash is not null);
        (failed.Status!.Phase, failed.Status.Reason).ShouldBe(("Failed", "InputNotVideo"));
        (await TypesAsync("failed")).ShouldBe(["task_accepted", "task_admitted", "scene_queued", "task_failed"]);
        (await _platform.Client.ListAllAsync<GpuLease>()).Items.ShouldBeEmpty("nothing is run again");
    }

    [Fact]
    public async Task A_lease_that_had_been_granted_is_ended_and_goes_on_showing_its_slot_and_token()
    {
        await _platform.Client.CreateAsync(
            new GpuLease { Metadata = new() { Name = "program", Namespace = "default" }, Spec = new() { Pool = "late" } });
        await UntilAsync<GpuLease>("program", l => l.Status?.Reason == "PoolNotFound");
        var shown = new { status = new { state = "Granted", node = "node-1", device = "GPU-a", slot = 0, token = 41 } };
        await _platform.Client.PatchAsync<GpuLease>("program", "default", Patch.Merge(shown), "status");
        await UntilAsync<GpuLease>("program", l => Lost(l.Status?.Conditions) == "GrantLost");
        await _platform.Client.CreateAsync(new GpuPool { Metadata = new() { Name = "late" } });

        var ended = (await UntilAsync<GpuLease>("program", l => l.Status?.State == "GaveUp")).Status!;
        (ended.Reason, ended.Node, ended.Device, ended.Slot, ended.Token).ShouldBe(("HistoryLost", "node-1", "GPU-a", 0, 41L));
        ended.Conditions!.Single(c => c.Type == "HistoryLost").Message.ShouldContain("slot node-1/GPU-a#0 under token 41");
        await _platform.Client.DeleteAsync<GpuLease>("program", "default");
        await OperatorUnderTest.UntilAsync(() => _platform.Client.FindAsync<GpuLease>("program", "default", default), l => l is null);
    }

    async Task TaskAsync(string name, object? output)
    {
        await _platform.Client.CreateAsync(new VideoTask
        {
            Metadata = new ObjectMeta { Name = name, Namespace = "default" },
            Spec = new VideoTaskSpec { Engine = "sim", Input = new VideoInput { Object = "deleted-since.mp4" } },
        });
        await UntilAsync<VideoTask>(name, t => t.Status?.Reason == "EngineNotFound");
        var (isDone, reason) = (output is not null, output is null ? "InputNotVideo" : "Succeeded");
        object Condition(string type, bool isTrue) => new
        {
            type, status = isTrue ? "True" : "False", reason, message = "as it was", lastTransitionTime = "2026-01-01T00:00:00Z",
        };
        var status = new
        {
            phase = isDone ? "Succeeded" : "Failed",
            reason = isDone ? null : reason,
            output,
            conditions = new[] { Condition("Finished", true), Condition("Succeeded", isDone), Condition("Failed", !isDone) },
        };
        await _platform.Client.PatchAsync<VideoTask>(name, "default", Patch.Merge(new { status }), "status");
    }

    Task<VideoTask> LostAsync(string name, string reason) => UntilAsync<VideoTask>(name, t => Lost(t.Status?.Conditions) == reason);

    Task<T> UntilAsync<T>(string name, Func<T, bool> isMet)
        where T : class, IKubernetesObject =>
        OperatorUnderTest.UntilAsync(() => _platform.Client.GetAsync<T>(name, "default"), isMet);

    async Task<IEnumerable<string>> TypesAsync(string name)
    {
        var uid = (await _platform.Client.GetAsync<VideoTask>(name, "default")).Metadata.Uid;
        return (await _platform.GetAsync($"/api/v1/tasks/{uid}/events"))["items"]!.AsArray().Select(i => (string)i!["type"]!);
    }

    static string? Lost(IReadOnlyList<Condition>? conditions) =>
        conditions?.FirstOrDefault(c => c.Type == "HistoryLost" && c.Status == "True")?.Reason;
}
