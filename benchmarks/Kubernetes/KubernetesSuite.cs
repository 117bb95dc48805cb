// The Kubernetes library: decoding, memory and the queue in this process, then list and controller beside an API server.
using System.Globalization;
using Framelease.Benchmarks.Reporting;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Serialization;
using Framelease.Kubernetes.Watching;

namespace Framelease.Benchmarks.Kubernetes;

sealed class KubernetesSuite(Cli.Shell shell, string programs, bool quick, Action<string> note)
{
    const string Suite = "kubernetes";

    readonly List<Figure> _figures = [];

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken ct)
    {
        await DecodeAsync(ct);
        await RetainedAsync();
        await QueueAsync(ct);
        await new ServerFigures(shell, programs, quick, note, Add).RunAsync(ct);
        return _figures;
    }

    /// <summary>Both in turns; the best of each, since a shared machine only ever takes away.</summary>
    async Task DecodeAsync(CancellationToken ct)
    {
        var events = quick ? 10_000 : 30_000;
        var lines = PodLines.Make(events);
        note(string.Create(CultureInfo.InvariantCulture, $"{events} watch lines of {lines.Length / events} bytes"));
        var decode = new WatchDecode(shell.Time);
        var (ours, rival, bytes) = (0.0, 0.0, double.MaxValue);
        for (var run = 0; run < (quick ? 5 : 9); run++)
        {
            ct.ThrowIfCancellationRequested();
            var (rate, each) = await decode.OursAsync(lines, events);
            (ours, bytes) = (Math.Max(ours, rate), Math.Min(bytes, each));
            rival = Math.Max(rival, (await decode.RivalAsync(lines, events)).PerSecond);
        }

        Add(new(Suite, "watch-decode", ours, "events/s", ">= 100000 events of 3 KB a second", ours >= 100_000));
        var ratio = ours / rival;
        Add(new(Suite, "watch-decode-vs-rival", ours, "events/s", ">= 4 x line as UTF-16 text, parsed twice", ratio >= 4, rival, ratio));
        Add(new(Suite, "watch-decode-allocated", bytes, "B", "<= 3072 B allocated an event", bytes <= 3072));
    }

    async Task RetainedAsync()
    {
        const int Pods = 50_000;
        var info = KubernetesJson.CreateOptions([PodJson.Default]).Info<SlimPod>();
        var lines = PodLines.Make(Pods);
        var store = new Store<SlimPod>("pods");
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using (var reader = new LineReader(new MemoryStream(lines)))
        {
            while (await reader.NextAsync(CancellationToken.None))
                store.Write(new StoreInput<SlimPod>.Apply(WatchReader.Read("watch", reader.Line.Span, info).Object!));
        }

        var each = (double)(GC.GetTotalMemory(forceFullCollection: true) - before) / Pods;
        GC.KeepAlive(lines);
        if (store.Count != Pods)
            throw new InvalidOperationException($"the store holds {store.Count} pods instead of {Pods}");
        Add(new(Suite, "store-retained", each, "B", "<= 2560 B retained a slim pod over 50000", each <= 2560));
    }

    async Task QueueAsync(CancellationToken ct)
    {
        foreach (var (name, count, goal) in new[] { ("queue-1x1", 1, 1_000_000.0), ("queue-10x10", 10, 300_000.0) })
        {
            var best = 0.0;
            for (var run = 0; run < (quick ? 4 : 8); run++)
            {
                ct.ThrowIfCancellationRequested();
                best = Math.Max(best, await new QueueRate(shell.Time, shell.Random).MeasureAsync(count, count, quick ? 200_000 : 500_000));
            }

            Add(new(Suite, name, best, "keys/s", $">= {goal:0} add, take and done a second", best >= goal));
        }
    }

    void Add(Figure figure)
    {
        _figures.Add(figure);
        shell.Console.Out.WriteLine(figure);
        shell.Console.Out.Flush();
    }
}
