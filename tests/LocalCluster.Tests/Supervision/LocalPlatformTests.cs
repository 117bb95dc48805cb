// The real API server, node and PostgreSQL as children of one platform: up, killed piece by piece, taken over after a kill of the supervisor.
using System.Collections.Concurrent;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Supervision;
using Microsoft.Extensions.Logging.Abstractions;
using static Framelease.LocalCluster.Tests.Shim.ShimHarness;

namespace Framelease.LocalCluster.Tests.Supervision;

public sealed class LocalPlatformTests : IAsyncLifetime
{
    readonly ConcurrentQueue<ComponentChange> _changes = new();
    // A directory that others may pass through: as root, PostgreSQL's user then keeps the database here and not in /var/lib.
    readonly string _root = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"framelease-up-{Guid.NewGuid():N}")).FullName;
    LocalPlatform? _platform;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_platform is not null)
            await _platform.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Everything_comes_up_runs_a_pod_and_leaves_nothing_behind()
    {
        var prepared = "";
        _platform = await StartAsync(options => options with { Prepare = (kubeconfig, _) => { prepared = kubeconfig; return Task.CompletedTask; } });
        prepared.ShouldBe(_platform.Kubeconfig);
        var ids = _platform.ProcessIds;
        ids.Keys.ShouldBe(["postgres", "apiserver", "node"], ignoreOrder: true);
        using var client = Client();
        var pod = await RunPodAsync(client, "sleeper");

        await _platform.StopAsync();

        _platform.Completion.IsCompletedSuccessfully.ShouldBeTrue();
        MarkedProcesses.Find(pod.Metadata.Uid!, null).ShouldBeEmpty();
        foreach (var pid in ids.Values)
            ProcessIdentity.Of(pid).ShouldBeNull();
        var stopped = _changes.Where(change => change.Phase == ComponentPhase.Stopped).Select(change => change.Component);
        stopped.ShouldBe(["node", "apiserver", "postgres"]);
    }

    [Fact]
    public async Task A_second_platform_on_the_directory_is_refused_and_told_who_holds_it()
    {
        _platform = await StartAsync();

        var refused = await Should.ThrowAsync<PlatformException>(() => StartAsync());

        refused.Message.ShouldContain($"process {Environment.ProcessId}");
    }

    [Fact]
    public async Task Killed_parts_come_back_at_the_same_address_and_pods_go_on()
    {
        _platform = await StartAsync();
        using var client = Client();
        var pod = await RunPodAsync(client, "survivor");
        var before = _platform.ProcessIds;

        foreach (var pid in before.Values)
            Libc.kill(pid, Libc.SigKill);

        await Eventually(() => _platform.ProcessIds is { Count: 3 } now && now.All(pair => before[pair.Key] != pair.Value));
        await EventuallyAsync(async () => (await client.FindAsync<Pod>("survivor"))?.Status?.Phase == "Running");
        MarkedProcesses.Find(pod.Metadata.Uid!, null).ShouldNotBeEmpty();
        await client.DeleteAsync<Pod>("survivor", options: DeleteOptions.ForUid(pod.Metadata.Uid, gracePeriodSeconds: 1));
        await EventuallyAsync(async () => await client.FindAsync<Pod>("survivor") is null);
        MarkedProcesses.Find(pod.Metadata.Uid!, null).ShouldBeEmpty();
        await using var database = new Npgsql.NpgsqlConnection(_platform.PostgresConnectionString);
        await EventuallyAsync(async () =>
        {
            await database.OpenAsync();
            return true;
        });
    }

    [Fact]
    public async Task What_a_killed_platform_left_is_ended_and_its_pods_are_taken_up()
    {
        // A platform that was killed, as the next one finds it: its parts run, its record says so, nobody holds the lock.
        var paths = new PlatformPaths(_root);
        _platform = await StartAsync();
        using var client = Client();
        var pod = await RunPodAsync(client, "survivor");
        var url = _platform.ApiServerUrl;
        var main = MarkedProcesses.Find(pod.Metadata.Uid!, null);
        var left = _platform.ProcessIds.Where(pair => pair.Key != "postgres").Select(pair => ProcessIdentity.Of(pair.Value)!).ToList();
        await _platform.AbandonAsync();
        left.ShouldAllBe(process => process.IsAlive);

        _platform = await StartAsync();

        left.ShouldAllBe(process => !process.IsAlive);
        _platform.ApiServerUrl.ShouldBe(url);
        main.ShouldAllBe(process => process.IsAlive);
        await EventuallyAsync(async () => (await client.FindAsync<Pod>("survivor"))?.Status?.Phase == "Running");
        RunRecord.Read(paths.Run, "node").ShouldNotBeNull().Pid.ShouldBe(_platform.ProcessIds["node"]);
    }

    Task<LocalPlatform> StartAsync(Func<LocalPlatformOptions, LocalPlatformOptions>? change = null) => LocalPlatform.StartAsync(
        (change ?? (options => options))(new LocalPlatformOptions
        {
            DataDirectory = _root, StartOperator = false, DrainGraceSeconds = 2, Images = new Dictionary<string, string> { ["shell"] = "/bin/sh" },
        }),
        _changes.Enqueue, NullLogger.Instance, TimeProvider.System, new Random(1), CancellationToken.None);

    KubernetesClient Client() => new(KubeConfig.Load(_platform!.Kubeconfig), TimeProvider.System, new Random(1));

    static async Task<Pod> RunPodAsync(KubernetesClient client, string name)
    {
        await client.CreateAsync(new Pod
        {
            Metadata = new() { Name = name, Namespace = "default" },
            Spec = new() { RestartPolicy = "Never", Containers = [new() { Name = "main", Image = "shell", Args = ["-c", "sleep 1000"] }] },
        });
        Pod? pod = null;
        await EventuallyAsync(async () => (pod = await client.FindAsync<Pod>(name))?.Status?.Phase == "Running");
        return pod!;
    }

    static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        var until = Environment.TickCount64 + (long)Deadline.TotalMilliseconds;
        while (true)
        {
            try
            {
                if (await condition())
                    return;
            }
            catch (Exception e) when (e is KubernetesException or Npgsql.NpgsqlException && Environment.TickCount64 < until)
            {
                // the server is on its way back
            }
            if (Environment.TickCount64 > until)
                throw new TimeoutException("the condition did not come true in time");
            await Task.Delay(20);
        }
    }
}
