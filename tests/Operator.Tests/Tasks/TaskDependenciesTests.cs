using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Tests.Support;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Tasks;

/// <summary>Tasks that take each other's outputs, in the whole operator. There is no node, so nothing runs: what ends here is cancelled.</summary>
[Collection(PostgresServer.Collection)]
public sealed class TaskDependenciesTests(PostgresServer server) : IAsyncLifetime
{
    OperatorUnderTest _platform = null!;

    public async Task InitializeAsync()
    {
        _platform = await OperatorUnderTest.StartAsync(server);
        await _platform.Client.CreateAsync(new Tenant { Metadata = new ObjectMeta { Name = "acme" }, Spec = new TenantSpec { Namespaces = ["default"] } });
        await _platform.Client.CreateAsync(new GpuPool { Metadata = new ObjectMeta { Name = "default" } });
        await _platform.Client.CreateAsync(new Engine
        {
            Metadata = new ObjectMeta { Name = "e" }, Spec = new EngineSpec { Image = "worker:1", Driver = EngineDriver.FfmpegTranscode },
        });
    }

    public async Task DisposeAsync() => await _platform.DisposeAsync();

    [Fact]
    public async Task A_task_waits_for_the_one_before_and_the_end_of_that_wakes_it()
    {
        await CreateAsync("second", "first");
        await UntilAsync("second", s => s.Reason == "TaskNotFound");
        await CreateAsync("first", null);
        await UntilAsync("first", s => s.Phase == "Queued");
        await CreateAsync("third", "first");
        await UntilAsync("third", s => s.Reason == "WaitingForTask");

        await _platform.Client.PatchAsync<VideoTask>("first", "default", Patch.Merge(new { spec = new { cancel = true } }));

        foreach (var name in new[] { "second", "third" })
            (await UntilAsync(name, s => s.Phase == "Failed")).Reason.ShouldBe("InputTaskFailed");
    }

    [Fact]
    public async Task Tasks_in_a_circle_are_told_so()
    {
        await CreateAsync("self", "self");
        await CreateAsync("a", "b");
        await CreateAsync("b", "c");
        await CreateAsync("c", "a");
        (await UntilAsync("self", s => s.Phase == "Failed")).Reason.ShouldBe("InputCycle");
        // Whoever sees the circle first says so; the others then wait for one that has failed.
        var ends = new List<VideoTaskStatus>();
        foreach (var name in new[] { "a", "b", "c" })
            ends.Add(await UntilAsync(name, s => s.Phase == "Failed"));
        ends.ShouldAllBe(s => s.Reason == "InputTaskFailed" || s.Reason == "InputCycle");
        var told = ends.First(s => s.Reason == "InputCycle").Conditions!.Single(c => c.Type == "Failed").Message;
        new[] { "a → b → c → a", "b → c → a → b", "c → a → b → c" }.ShouldContain(circle => told!.Contains(circle, StringComparison.Ordinal));
    }

    Task<VideoTask> CreateAsync(string name, string? of) => _platform.Client.CreateAsync(new VideoTask
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default" },
        Spec = new VideoTaskSpec { Engine = "e", Input = of is null ? new VideoInput { Uri = "https://example.org/a.mp4" } : new VideoInput { Task = of } },
    });

    async Task<VideoTaskStatus> UntilAsync(string name, Func<VideoTaskStatus, bool> isMet) => (await OperatorUnderTest.UntilAsync(
        () => _platform.Client.GetAsync<VideoTask>(name, "default"), t => t.Status is { } status && isMet(status))).Status!;
}
