using System.Buffers;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>
/// <c>kubectl logs</c>: sends the file that the node process writes for a container, <c>{podUid}/{container}/{restart}.log</c>,
/// and with <c>follow</c> goes on until the container has ended and the end of its file is reached.
/// </summary>
sealed class PodLogHandler(ObjectStore store, string root, TimeProvider time, CancellationToken stopping)
{
    // Nothing tells of new lines but the file itself; this is the delay that a reader sees.
    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    public async Task HandleAsync(HttpContext context, StoredObject pod)
    {
        var tree = pod.Parse();
        var query = PodLogQuery.From(context.Request);
        var container = Container(tree, query.Container, pod.Key.Name);
        var path = LogPath(tree, pod, container, query.Previous);
        context.Response.ContentType = "text/plain";
        await context.Response.StartAsync(context.RequestAborted);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            await SendAsync(context, pod, container, path, query, ends.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The server stops: the answer ends here, cleanly.
        }
    }

    async Task SendAsync(HttpContext context, StoredObject pod, string container, string path, PodLogQuery query, CancellationToken ends)
    {
        while (!File.Exists(path))
        {
            if (!query.Follow || HasEnded(pod, container))
                return;
            await Task.Delay(Poll, time, ends);
        }

        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var lines = new PodLogLines(file, query, time.GetUtcNow());
        lines.SeekToTail();
        var output = context.Response.BodyWriter;
        while (true)
        {
            // Looked at before reading: what was written before the end is then surely read.
            var isLast = !query.Follow || HasEnded(pod, container);
            var more = lines.Copy(output);
            await output.FlushAsync(ends);
            if (lines.IsFull || (isLast && !more))
                return;
            if (!more)
                await Task.Delay(Poll, time, ends);
        }
    }

    static string Container(JsonObject pod, string asked, string name)
    {
        var spec = pod.Obj("spec");
        var containers = spec.Arr("initContainers").Names().Concat(spec.Arr("containers").Names()).ToList();
        if (asked.Length > 0)
        {
            return containers.Contains(asked) ? asked
                : throw ApiErrors.BadRequest($"container {asked} is not valid for pod {name}");
        }

        return spec.Arr("containers").Names().ToList() is [var only] ? only
            : throw ApiErrors.BadRequest($"a container name must be specified for pod {name}, choose one of: [{string.Join(' ', containers)}]");
    }

    string LogPath(JsonObject tree, StoredObject pod, string container, bool previous)
    {
        var status = Status(tree, container);
        var restarts = status.Int("restartCount") ?? 0;
        if (previous && restarts == 0)
        {
            throw ApiErrors.BadRequest(
                $"previous terminated container \"{container}\" in pod \"{pod.Key.Name}\" not found");
        }

        if (status.Obj("state").Obj("waiting") is { } waiting && restarts == 0)
        {
            throw ApiErrors.BadRequest($"container \"{container}\" in pod \"{pod.Key.Name}\" is waiting to start: "
                + (waiting.Str("reason") ?? "no reason given"));
        }

        return Path.Combine(root, pod.Header.Uid, container, $"{restarts - (previous ? 1 : 0)}.log");
    }

    bool HasEnded(StoredObject pod, string container)
    {
        var current = store.State.Find("pods", pod.Key);
        if (current is null || current.Header.Uid != pod.Header.Uid)
            return true;
        var tree = current.Parse();
        return Status(tree, container).Obj("state").Obj("terminated") is not null
            || tree.Obj("status").Str("phase") is "Succeeded" or "Failed";
    }

    static JsonObject? Status(JsonObject pod, string container) =>
        (pod.Obj("status").Arr("containerStatuses") ?? []).Concat(pod.Obj("status").Arr("initContainerStatuses") ?? [])
            .OfType<JsonObject>().FirstOrDefault(status => status.Str("name") == container);
}

static class ContainerNames
{
    public static IEnumerable<string> Names(this JsonArray? containers) => (containers ?? []).Select(container => container.Str("name")).OfType<string>();
}
