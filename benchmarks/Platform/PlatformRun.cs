using System.Text.Json.Nodes;
using Framelease.Cli.Commands;
using Framelease.Cli.Connecting;
using Framelease.Cli.Demo;
using Framelease.Cli.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Benchmarks.Platform;

/// <summary>The same work through the platform: from the creation of the task to the moment when a watch says that it succeeded.</summary>
sealed class PlatformRun(Cluster cluster, DemoPlatform platform, Cli.Shell shell)
{
    static readonly ResourceRef Tasks = ResourceRef.Of<VideoTask>();
    int _count;

    public Task UploadAsync(string file, string key, CancellationToken ct) => UploadCommand.PutAsync(platform.ObjectStore, file, key, shell, ct);

    /// <summary>Creates the task and follows it until <paramref name="answered"/> says what it waited for.</summary>
    public async Task<(string Answer, TimeSpan Took)> UntilAsync(JsonObject manifest, Func<JsonObject, string?> answered, CancellationToken ct)
    {
        manifest["metadata"]!["namespace"] = cluster.Namespace;
        var name = (string)manifest["metadata"]!["name"]!;
        var version = (await cluster.Client.ListAsync<JsonObject>(Tasks, cluster.Namespace, null, ct)).ResourceVersion;
        var started = shell.Time.GetTimestamp();
        await cluster.Client.CreateAsync(Tasks, manifest, ct);
        await foreach (var change in cluster.Client.WatchAsync<JsonObject>(Tasks, cluster.Namespace, new WatchOptions { ResourceVersion = version }, ct))
        {
            if ((string?)change.Object?["metadata"]?["name"] == name && answered(change.Object) is { } answer)
                return (answer, shell.Time.GetElapsedTime(started));
        }

        throw new InvalidOperationException($"the watch ended before task {name} did");
    }

    public async Task<TimeSpan> MeasureAsync(string key, IReadOnlyDictionary<string, string> parameters, CancellationToken ct)
    {
        var name = $"bench-{++_count}";
        var manifest = Cli.Manifests.TaskManifest.Build("ffmpeg-transcode", key, parameters.Select(p => $"{p.Key}={p.Value}"), name, null, Guid.Empty);
        var (failure, took) = await UntilAsync(
            manifest, task => TaskView.Of(task) is { Finished: true } view ? view.Succeeded ? "" : $"{view.Reason}: {view.Message}" : null, ct);
        return failure.Length == 0 ? took : throw new InvalidOperationException($"task {name} failed: {failure}");
    }
}
