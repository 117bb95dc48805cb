using System.Diagnostics;
using Framelease.Cli.Connecting;
using Framelease.EndToEnd.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Resources;
using Npgsql;

namespace Framelease.EndToEnd.Tests.Leases;

/// <summary>A leader that stands still is followed by another replica; when it goes on, nothing that it still wanted is accepted (R9).</summary>
public sealed class StalledLeaderTests
{
    [Fact]
    public async Task A_stalled_leader_is_followed_and_writes_nothing_when_it_goes_on()
    {
        var platform = new Platform { Slots = 2 };
        await platform.InitializeAsync();

        // The first leads before the second is there to be elected instead: its readiness says only that it serves.
        await Until.True(async () => await EpochAsync(platform) > 0, "the first replica leads");
        using var second = StartSecond(platform);
        try
        {
            var leader = platform.PidOf("operator");
            var before = await EpochAsync(platform);
            using (platform.Freeze("operator"))
            {
                await Until.True(async () => await EpochAsync(platform) > before, "the second replica leads");
                await platform.Client.CreateAsync(Lease("while-it-stands"));
                await GrantedAsync(platform, "while-it-stands");
            }

            // It learns at its next renewal or write that it was followed, ends, and is started anew.
            await Until.True(() => Task.FromResult(platform.TryPidOf("operator") is { } pid && pid != leader), "the old leader ends");
            await platform.Client.CreateAsync(Lease("after-it-went-on"));
            await GrantedAsync(platform, "after-it-went-on");
            (await GrantLog.OverlapsAsync(platform.Postgres)).ShouldBeEmpty();
            (await GrantLog.CountAsync(platform.Postgres, "lease_granted")).ShouldBe(2);
            (await EpochAsync(platform)).ShouldBeGreaterThan(before);
        }
        finally
        {
            second.Kill();
            await second.WaitForExitAsync();
            await platform.DisposeAsync();
        }
    }

    static GpuLease Lease(string name) => new()
    {
        Metadata = new() { Name = name, Namespace = "default" },
        Spec = new() { Pool = "default", MaxWaitSeconds = 0 },
    };

    static Task GrantedAsync(Platform platform, string name) => Until.True(
        async () => (await platform.Client.FindAsync<GpuLease>(name, "default"))?.Status?.State == "Granted", $"lease {name} is granted");

    static Process StartSecond(Platform platform)
    {
        var start = new ProcessStartInfo(
            Path.Combine(Path.GetDirectoryName(Dist.Framelease)!, "framelease-operator"),
            [
                "--kubeconfig", platform.Kubeconfig, "--data-dir", platform.Data, "--identity", "second",
                "--listen", "http://127.0.0.1:0", "--metrics-listen", "http://127.0.0.1:0", "--public-url", "http://127.0.0.1",
                "--replicas", "2",
            ])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["FRAMELEASE_POSTGRES"] = platform.Postgres;
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <returns>0 before the first election.</returns>
    static async Task<long> EpochAsync(Platform platform)
    {
        await using var source = NpgsqlDataSource.Create(platform.Postgres);
        await using var command = source.CreateCommand("select epoch from framelease.epochs where role = 'dispatch-default'");
        return (long)(await command.ExecuteScalarAsync() ?? 0L);
    }
}
