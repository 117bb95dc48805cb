using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Tests.Support;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Tasks;

/// <summary>Deadlines of tasks, and what is left of them after their end, on the whole operator.</summary>
[Collection(PostgresServer.Collection)]
public sealed class TaskLifetimeTests(PostgresServer server) : IAsyncLifetime
{
    readonly string _objects = Directory.CreateTempSubdirectory("framelease-lifetime-").FullName;
    OperatorUnderTest _platform = null!;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Path.Combine(_objects, "objects"));
        await File.WriteAllTextAsync(Path.Combine(_objects, "objects", "in.mp4"), "looked at by the worker alone");
        _platform = await OperatorUnderTest.StartAsync(server, o => o with { ObjectRoot = _objects });
        await _platform.Client.CreateAsync(new Tenant { Metadata = new() { Name = "all" }, Spec = new() { Namespaces = ["default"] } });
        await _platform.Client.CreateAsync(new GpuPool { Metadata = new() { Name = "default" } });
        await _platform.Client.CreateAsync(new Engine
        {
            Metadata = new() { Name = "sim" },
            Spec = new EngineSpec { Image = "worker:1", Driver = EngineDriver.FfmpegTranscode, Device = EngineDevice.Gpu },
        });
    }

    public async Task DisposeAsync()
    {
        await _platform.DisposeAsync();
        Directory.Delete(_objects, recursive: true);
    }

    [Fact]
    public async Task A_task_that_waits_beyond_its_deadline_fails_and_its_lease_leaves_the_queue()
    {
        await TaskAsync("late", "in.mp4", s => s with { ActiveDeadlineSeconds = 3 });
        await OperatorUnderTest.UntilAsync(
            () => _platform.Client.ListAsync<GpuLease>("default"), l => l.Items is [{ Status.Reason: "NoDevices" }]);

        var failed = (await UntilAsync("late", t => t?.Status?.Phase == "Failed"))!.Status!;
        failed.Reason.ShouldBe("DeadlineExceeded");
        failed.Conditions!.Single(c => c.Type == "Failed").Message.ShouldContain("3 s (activeDeadlineSeconds)");
        await OperatorUnderTest.UntilAsync(() => _platform.Client.ListAsync<GpuLease>("default"), l => l.Items.Count == 0);
    }

    [Fact]
    public async Task A_task_that_ended_is_deleted_when_its_time_to_live_is_over_and_one_without_is_kept()
    {
        await TaskAsync("kept", "absent.mp4", s => s);
        await TaskAsync("gone", "absent.mp4", s => s with { TtlSecondsAfterFinished = 1 });
        await TaskAsync("at-once", "absent.mp4", s => s with { TtlSecondsAfterFinished = 0 });

        await UntilAsync("at-once", t => t is null);
        await UntilAsync("gone", t => t is null);
        (await UntilAsync("kept", t => t?.Status?.Phase == "Failed"))!.Status!.Reason.ShouldBe("InputNotFound");
    }

    Task TaskAsync(string name, string input, Func<VideoTaskSpec, VideoTaskSpec> change) => _platform.Client.CreateAsync(new VideoTask
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default" },
        Spec = change(new VideoTaskSpec { Engine = "sim", Input = new VideoInput { Object = input } }),
    });

    Task<VideoTask?> UntilAsync(string name, Func<VideoTask?, bool> isMet) =>
        OperatorUnderTest.UntilAsync(() => _platform.Client.FindAsync<VideoTask>(name, "default", default), isMet);
}
