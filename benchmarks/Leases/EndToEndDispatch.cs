using Framelease.Benchmarks.Kubernetes;
using Framelease.Kubernetes.Client;
using Framelease.Resources;
using static System.FormattableString;

namespace Framelease.Benchmarks.Leases;

/// <summary>
/// Leases wait in a pool that has no node; then its nodes come. Measured is from the first lease that a watch shows as granted to the last.
/// </summary>
sealed class EndToEndDispatch(LeasePlatform platform, Cli.Shell shell, Action<string> note)
{
    const int Writers = 16;

    public async Task<(double PerSecond, double OperatorMiB)> RunAsync(int waiting, int nodes, int devices, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var version = (await platform.Client.ListAsync<GpuLease>("default", ct: ct)).ResourceVersion;
        var granted = new List<long>();
        var requested = new HashSet<string>(StringComparer.Ordinal);
        var memory = MemoryAsync(stop.Token);
        var watching = WatchAsync(version, requested, granted, stop.Token);
        var started = shell.Time.GetTimestamp();
        await ServerTarget.ManyAsync(
            waiting, Writers, (i, stopped) => platform.Client.CreateAsync(platform.NewLease(Invariant($"lease-{i:D6}")), stopped), ct);
        await UntilAsync(() => requested.Count, waiting, ct);
        note(Invariant($"{waiting} leases created and requested in {shell.Time.GetElapsedTime(started).TotalSeconds:0.0} s"));
        await ServerTarget.ManyAsync(
            nodes, Writers, (i, stopped) => platform.AddNodeAsync(Invariant($"node-{i:D3}"), devices, stopped), ct);
        await UntilAsync(() => granted.Count, nodes * devices, ct);
        await stop.CancelAsync();
        await watching;
        return ((granted.Count - 1) / shell.Time.GetElapsedTime(granted[0], granted[^1]).TotalSeconds, await memory);
    }

    // A server ends the watch of whoever reads too slowly, and of everybody after a while: a list tells what was missed.
    async Task WatchAsync(string version, HashSet<string> requested, List<long> granted, CancellationToken ct)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            try
            {
                await foreach (var change in platform.Client.WatchAsync<GpuLease>(
                    "default", new WatchOptions { ResourceVersion = version }, ct))
                    See(change.Object);
                var list = await platform.Client.ListAllAsync<GpuLease>("default", ct: ct);
                foreach (var lease in list.Items)
                    See(lease);
                version = list.ResourceVersion;
                note("the watch ended and was begun anew");
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }

        void See(GpuLease? lease)
        {
            if (lease is not { Status.State: { } state })
                return;
            lock (requested)
                requested.Add(lease.Metadata.Name!);
            if (state == "Granted" && seen.Add(lease.Metadata.Name!))
            {
                lock (granted)
                    granted.Add(shell.Time.GetTimestamp());
            }
        }
    }

    async Task UntilAsync(Func<int> count, int wanted, CancellationToken ct)
    {
        var (last, since) = (0, shell.Time.GetTimestamp());
        while (count() is var now && now < wanted)
        {
            if (now != last)
                (last, since) = (now, shell.Time.GetTimestamp());
            else if (shell.Time.GetElapsedTime(since) > TimeSpan.FromSeconds(60))
                throw new InvalidOperationException($"{now} of {wanted} leases came so far, and none for a minute");
            await Task.Delay(TimeSpan.FromMilliseconds(100), shell.Time, ct);
        }
    }

    // The resident set of the operator, looked at twice a second.
    async Task<double> MemoryAsync(CancellationToken ct)
    {
        var most = 0.0;
        while (!ct.IsCancellationRequested)
        {
            using var process = System.Diagnostics.Process.GetProcessById(platform.OperatorPid);
            most = Math.Max(most, process.WorkingSet64 / 1024.0 / 1024);
            await Task.Delay(TimeSpan.FromSeconds(0.5), shell.Time, CancellationToken.None);
        }

        return most;
    }
}
