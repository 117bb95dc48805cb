using System.Text;
using System.Text.Json;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Benchmarks.Kubernetes;

/// <summary>Watch lines from a stream into objects: our way, and the shape of the official client.</summary>
sealed class WatchDecode(TimeProvider time)
{
    static readonly JsonSerializerOptions Json = KubernetesJson.CreateOptions([PodJson.Default]);

    /// <param name="events">How many events were decoded.</param>
    public async Task<(double PerSecond, double BytesEach)> OursAsync(byte[] lines, int events)
    {
        var info = Json.Info<SlimPod>();
        return await MeasureAsync(events, async () =>
        {
            using var reader = new LineReader(new MemoryStream(lines));
            var seen = 0;
            while (await reader.NextAsync(CancellationToken.None))
                seen += WatchReader.Read("watch", reader.Line.Span, info).Object is null ? 0 : 1;
            return seen;
        });
    }

    /// <summary>Each line as UTF-16 text, parsed once to see whether it is an error, and once more into the whole pod.</summary>
    public async Task<(double PerSecond, double BytesEach)> RivalAsync(byte[] lines, int events) => await MeasureAsync(events, async () =>
    {
        using var reader = new StreamReader(new MemoryStream(lines), Encoding.UTF8);
        var seen = 0;
        while (await reader.ReadLineAsync() is { } line)
        {
            if (JsonSerializer.Deserialize(line, Json.Info<AnyEvent>())?.Object?.Kind == "Status")
                throw new InvalidOperationException("an error event");
            seen += JsonSerializer.Deserialize(line, Json.Info<PodEvent>())?.Object is null ? 0 : 1;
        }

        return seen;
    });

    async Task<(double PerSecond, double BytesEach)> MeasureAsync(int events, Func<Task<int>> run)
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var started = time.GetTimestamp();
        var seen = await run();
        var took = time.GetElapsedTime(started);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        if (seen != events)
            throw new InvalidOperationException($"{seen} events instead of {events}");
        return (events / took.TotalSeconds, (double)allocated / events);
    }
}
