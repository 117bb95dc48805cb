using System.Diagnostics;
using Framelease.Cli.Processes;
using Framelease.EndToEnd.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.EndToEnd.Tests.Leases;

/// <summary>
/// Blindness is not failure (R5), in real time: a part of the platform stands still for several heartbeat timeouts, and nobody is killed and
/// nothing expires, meanwhile and on its return.
/// </summary>
public sealed class OutageTests
{
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    const string Path = "path to the pool";
    static readonly TimeSpan Outage = Length.Of(TimeSpan.FromSeconds(25), TimeSpan.FromMinutes(2));

    // Each with a platform of its own, at the same time: they only wait.
    [Fact]
    public Task Nothing_expires_while_operator_database_api_server_or_path_stand_still_nor_when_they_go_on() =>
        Task.WhenAll(StandsStillAsync("operator"), StandsStillAsync("postgres"), StandsStillAsync("apiserver"), StandsStillAsync(Path));

    static async Task StandsStillAsync(string part)
    {
        var platform = new Platform { Slots = 3 };
        await platform.InitializeAsync();
        await using var path = new CutPath(platform.OperatorUrl);
        try
        {
            var terms = new { heartbeatIntervalSeconds = 2, heartbeatTimeoutSeconds = (int)Timeout.TotalSeconds };
            await platform.Client.PatchAsync<GpuPool>("default", null, Patch.Merge(new { spec = terms }));
            var runs = new List<Process>();
            for (var i = 0; i < platform.Slots; i++)
                runs.Add(Run(platform, path.Address, $"holder-{i}"));
            foreach (var i in Enumerable.Range(0, platform.Slots))
                await LeaseAsync(platform, $"holder-{i}", l => l.Status?.AttachedTime is not null);
            using (part == Path ? path.Cut() : platform.Freeze(part))
                await PassAsync(Outage);

            // A mass expiry on return would come within one timeout.
            await PassAsync(Timeout * 1.5);
            foreach (var run in runs)
            {
                run.HasExited.ShouldBeFalse($"{part} stood still");
                Signals.Send(run.Id, Signals.Term);
                await run.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
                run.ExitCode.ShouldBe(143, $"{part}: {await run.StandardError.ReadToEndAsync()}");
                run.Dispose();
            }

            (await GrantLog.CountAsync(platform.Postgres, "lease_expired", "slot_quarantined")).ShouldBe(0, part);
            (await GrantLog.CountAsync(platform.Postgres, "lease_released")).ShouldBe(platform.Slots, part);
            if (part == Path)
                (await GrantLog.CountAsync(platform.Postgres, "observation_lost")).ShouldBeGreaterThan(0, "all fell silent at once");
            else if (part is not "apiserver")
                (await GrantLog.CountAsync(platform.Postgres, "observation_resumed")).ShouldBeGreaterThan(0, $"{part} was blind, and said so");
        }
        finally
        {
            await platform.DisposeAsync();
        }
    }

    static Process Run(Platform platform, Uri path, string name) => Process.Start(new ProcessStartInfo(
        Dist.Framelease, ["lease", "run", "--kubeconfig", platform.Kubeconfig, "--operator", path.ToString(), "--name", name, "--", "sleep", "100000"])
    {
        RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
    })!;

    static Task<GpuLease> LeaseAsync(Platform platform, string name, Func<GpuLease, bool> met) => Until.NotNull(
        async () => await platform.Client.FindAsync<GpuLease>(name, "default") is { } lease && met(lease) ? lease : null, $"lease {name}");

    // Here time itself is what is tested.
    static async Task PassAsync(TimeSpan span)
    {
        using var timer = new PeriodicTimer(span);
        await timer.WaitForNextTickAsync();
    }
}
