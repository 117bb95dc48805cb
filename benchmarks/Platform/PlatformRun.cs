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

    public async Task<TimeSpan> MeasureAsync(string key, IReadOnlyDictionary<string, string> parameters, CancellationToken ct)
    {
        var name = $"bench-{++_count}";
        var manifest = Cli.Manifests.TaskManifest.Build("ffmpeg-transcode", key, parameters.Select(p => $"{p.Key}={p.Value}"), name, null, Guid.Empty);
        manifest["metadata"]!["namespace"] = cluster.Namespace;
        var version = (await cluster.Client.ListAsync<JsonObject>(Tasks, cluster.Namespace, null, ct)).ResourceVersion;
        var started = shell.Time.GetTimestamp();
        await cluster.Client.CreateAsync(Tasks, manifest, ct);
        await foreach (var change in cluster.Client.WatchAsync<JsonObject>(Tasks, cluster.Namespace, new WatchOptions { ResourceVersion = version }, ct))
        {
            if (change.Object is null || TaskView.Of(change.Object) is not { Finished: true } view || view.Name != name)
                continue;
            var took = shell.Time.GetElapsedTime(started);
            return view.Succeeded ? took : throw new InvalidOperationException($"task {name} failed: {view.Reason}: {view.Message}");
        }

        throw new InvalidOperationException($"the watch ended before task {name} did");
    }
}
