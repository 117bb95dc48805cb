using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Framelease.Cli;
using Framelease.Cli.Processes;
using StackExchange.Redis;

namespace Framelease.Benchmarks.Leases;

/// <summary>A Redis of our own, on a socket in a directory of its own, keeping nothing on disk.</summary>
sealed partial class RedisServer : IAsyncDisposable
{
    readonly Process _process;
    readonly string _socket;
    readonly TimeProvider _time;

    RedisServer(Process process, string socket, TimeProvider time) => (_process, _socket, _time) = (process, socket, time);

    public static async Task<RedisServer> StartAsync(string directory, TimeProvider time, CancellationToken ct)
    {
        Directory.CreateDirectory(directory);
        var socket = Path.Combine(directory, "redis.sock");
        var process = Process.Start(new ProcessStartInfo(
            "redis-server",
            ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", directory, "--logfile", "redis.log"])
        {
            UseShellExecute = false,
        }) ?? throw new CliException("redis-server did not start");
        var server = new RedisServer(process, socket, time);
        while (!File.Exists(socket))
        {
            if (process.HasExited)
                throw new CliException(
                    $"redis-server ended: {(await File.ReadAllLinesAsync(Path.Combine(directory, "redis.log"), ct)).LastOrDefault()}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, ct);
        }

        return server;
    }

    public async Task<IConnectionMultiplexer> ConnectAsync()
    {
        var options = new ConfigurationOptions { AbortOnConnectFail = true };
        options.EndPoints.Add(new System.Net.Sockets.UnixDomainSocketEndPoint(_socket));
        return await ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <summary>What our client gets out of it with as many callers as redis-benchmark has by default.</summary>
    public async Task<double> SetsPerSecondAsync(TimeSpan duration, CancellationToken ct)
    {
        await using var connection = await ConnectAsync();
        var database = connection.GetDatabase();
        var (count, started) = (0L, _time.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            while (_time.GetElapsedTime(started) < duration)
            {
                ct.ThrowIfCancellationRequested();
                await database.StringSetAsync("bench", "1", TimeSpan.FromSeconds(60), When.NotExists);
                Interlocked.Increment(ref count);
            }
        }));
        return count / _time.GetElapsedTime(started).TotalSeconds;
    }

    public async Task<double> BenchmarkAsync(CancellationToken ct)
    {
        var ran = await Tool.RunAsync(
            "redis-benchmark", ["-s", _socket, "-n", "200000", "-q", "SET", "bench", "1", "NX", "PX", "60000"], ct);
        return ran.ExitCode == 0 && Rate().Match(ran.Output) is { Success: true } match
            ? double.Parse(match.Groups["rate"].Value, CultureInfo.InvariantCulture)
            : throw new CliException($"redis-benchmark: {ran.Error}");
    }

    public async ValueTask DisposeAsync()
    {
        Signals.Send(_process.Id, Signals.Term);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    [GeneratedRegex("(?<rate>[0-9.]+) requests per second", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Rate();
}
