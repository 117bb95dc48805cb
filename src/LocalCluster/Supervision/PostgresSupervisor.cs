using Framelease.LocalCluster.Postgres;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Supervision;

/// <summary>Keeps the private PostgreSQL running; the connection string stays the same over restarts.</summary>
sealed class PostgresSupervisor : IAsyncDisposable
{
    internal const string Name = "postgres";

    readonly PrivatePostgresOptions _options;
    readonly Action<ComponentChange> _changed;
    readonly ILogger _logger;
    readonly TimeProvider _time;
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;
    PrivatePostgres _server;

    PostgresSupervisor(PrivatePostgres server, PrivatePostgresOptions options, Action<ComponentChange> changed, ILogger logger, TimeProvider time)
    {
        (_server, _options, _changed, _logger, _time) = (server, options, changed, logger, time);
        _running = RunAsync(_stop.Token);
    }

    internal string ConnectionString => _server.ConnectionString;

    /// <summary>The postmaster that runs now.</summary>
    internal int ProcessId => _server.ProcessId;

    /// <exception cref="PrivatePostgresException">The first start failed.</exception>
    internal static async Task<PostgresSupervisor> StartAsync(
        string dataDirectory, Action<ComponentChange> changed, ILogger logger, TimeProvider time, CancellationToken ct)
    {
        changed(new ComponentChange(Name, ComponentPhase.Starting, null, time.GetUtcNow()));
        var options = new PrivatePostgresOptions(dataDirectory);
        var server = await PrivatePostgres.StartAsync(options, logger, time, ct);
        changed(new ComponentChange(Name, ComponentPhase.Ready, null, time.GetUtcNow()));
        return new PostgresSupervisor(server, options, changed, logger, time);
    }

    public async ValueTask DisposeAsync()
    {
        Tell(ComponentPhase.Stopping, null);
        await _stop.CancelAsync();
        await _running;
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
        _stop.Dispose();
        Tell(ComponentPhase.Stopped, null);
    }

    async Task RunAsync(CancellationToken stop)
    {
        var backOff = new RestartBackOff();
        var since = _time.GetTimestamp();
        try
        {
            while (true)
            {
                var exit = await _server.Exited.WaitAsync(stop);
                await _server.DisposeAsync();
                var pause = backOff.Next(_time.GetElapsedTime(since));
                Tell(ComponentPhase.Restarting, $"ended with exit code {exit}; starts again in {pause.TotalSeconds:0.#} s; log: {_server.LogDirectory}");
                await RestartAsync(pause, backOff, stop);
                since = _time.GetTimestamp();
                Tell(ComponentPhase.Ready, null);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // the platform stops
        }
    }

    async Task RestartAsync(TimeSpan pause, RestartBackOff backOff, CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(pause, _time, stop);
            try
            {
                _server = await PrivatePostgres.StartAsync(_options, _logger, _time, stop);
                return;
            }
            catch (PrivatePostgresException e)
            {
                pause = backOff.Next(TimeSpan.Zero);
                Tell(ComponentPhase.Restarting, $"{e.Message}; starts again in {pause.TotalSeconds:0.#} s");
            }
        }
    }

    void Tell(ComponentPhase phase, string? detail) => _changed(new ComponentChange(Name, phase, detail, _time.GetUtcNow()));
}
