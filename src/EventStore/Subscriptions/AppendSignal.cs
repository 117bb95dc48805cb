using Microsoft.Extensions.Logging;
using Npgsql;

namespace Framelease.EventStore;

/// <summary>
/// The hint "there is something new": set by commits of this process at once, by those of others through NOTIFY. Notifications are sent
/// after the commit, outside its transaction (a NOTIFY inside takes a lock over all committing notifiers), and many commits share one.
/// </summary>
internal sealed class AppendSignal(PostgresEventStore store, ILoggerFactory? loggers) : IAsyncDisposable
{
    const string Channel = "mt_events_appended";
    static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource _stop = new();
    readonly Lock _lock = new();
    TaskCompletionSource _hint = NewHint();
    Task? _notifier;
    Task? _listener;
    bool _owed;

    static TaskCompletionSource NewHint() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next append that becomes known. The first call starts listening for other processes' appends.</summary>
    public Task NextHint()
    {
        lock (_lock)
        {
            if (store.Options.UseNotify && !_stop.IsCancellationRequested) _listener ??= ListenAsync(_stop.Token);
            return _hint.Task;
        }
    }

    /// <summary>A commit of this process.</summary>
    public void Appended()
    {
        lock (_lock)
        {
            WakeLocked();
            if (!store.Options.UseNotify || _stop.IsCancellationRequested) return;
            _owed = true;
            if (_notifier is null or { IsCompleted: true }) _notifier = NotifyAsync(_stop.Token);
        }
    }

    void Wake()
    {
        lock (_lock) WakeLocked();
    }

    void WakeLocked()
    {
        _hint.TrySetResult();
        _hint = NewHint();
    }

    /// <summary>One at a time; commits that come meanwhile are told by one more. A lost hint costs others one poll interval.</summary>
    async Task NotifyAsync(CancellationToken ct)
    {
        await Task.Yield();
        while (true)
        {
            lock (_lock)
            {
                if (!_owed)
                {
                    _notifier = null;
                    return;
                }
                _owed = false;
            }
            try
            {
                await using var command = store.DataSource.CreateCommand($"notify {Channel}");
                await command.ExecuteNonQueryAsync(ct);
            }
            catch (Exception e) when (e is NpgsqlException or OperationCanceledException or TimeoutException or IOException or ObjectDisposedException)
            {
                Log.NotifyFailed(store.Logger, e);
                lock (_lock) _notifier = null;
                return;
            }
        }
    }

    async Task ListenAsync(CancellationToken ct)
    {
        await Task.Yield();
        await using var source = Connections.Listener(store.Options, loggers);
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(ct);
                await using (var listen = new NpgsqlCommand($"listen {Channel}", connection)) await listen.ExecuteNonQueryAsync(ct);
                Wake(); // what came before the LISTEN
                while (true)
                {
                    await connection.WaitAsync(ct);
                    Wake();
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or OperationCanceledException)
            {
                Log.ListenerLost(store.Logger, e);
            }
            try
            {
                await Task.Delay(RetryDelay, store.Time, ct);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_lock) running = [.. new[] { _notifier, _listener }.OfType<Task>()];
        await _stop.CancelAsync();
        await Task.WhenAll(running);
        _stop.Dispose();
    }
}
