// A PostgreSQL server of our own: made on first use, held as a child process, ended on stop.
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Postgres;

/// <summary>
/// A private PostgreSQL server: only a unix socket in a directory that its owner alone may enter, its own data directory, fsync on.
/// One owner at a time (a lock file says so). When <see cref="Exited"/> completes without <see cref="StopAsync"/>, the server died:
/// dispose this object and start again; the connection string stays the same.
/// </summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    readonly Process _process;
    readonly FileStream _ownerLock;
    readonly PrivatePostgresOptions _options;
    readonly ILogger _logger;
    readonly TimeProvider _time;
    bool _stopped;

    PrivatePostgres(
        Process process, Task<int> exited, FileStream ownerLock, PostgresCluster cluster, PrivatePostgresOptions options, ILogger logger, TimeProvider time)
    {
        _process = process;
        _ownerLock = ownerLock;
        _options = options;
        _logger = logger;
        _time = time;
        ProcessId = process.Id;
        Exited = exited;
        SocketDirectory = cluster.SocketDirectory;
        LogDirectory = cluster.LogDirectory;
        ConnectionString = ConnectionStringOf(cluster, options.Database);
    }

    /// <summary>For Npgsql; the same after every restart on the same data directory.</summary>
    public string ConnectionString { get; }

    /// <summary>The directory of the socket: <c>psql -h {SocketDirectory} -U framelease</c>.</summary>
    public string SocketDirectory { get; }

    /// <summary>Where the server writes its log, one file a weekday.</summary>
    public string LogDirectory { get; }

    /// <summary>The postmaster.</summary>
    public int ProcessId { get; }

    /// <summary>Completes with the exit code when the server has ended, however that came about; it never faults.</summary>
    public Task<int> Exited { get; }

    /// <summary>Where the server of a data directory listens while it runs; null when there is none. Starts and changes nothing.</summary>
    public static string? FindConnectionString(string dataDirectory) => PostgresCluster.Find(dataDirectory) is { } cluster
        ? ConnectionStringOf(cluster, new PrivatePostgresOptions(dataDirectory).Database)
        : null;

    static string ConnectionStringOf(PostgresCluster cluster, string database) =>
        $"Host={cluster.SocketDirectory};Port=5432;Username={PostgresCluster.SuperUser};Database={database}";

    /// <summary>
    /// Makes the cluster if there is none, ends a server that a killed owner left behind, starts ours and returns once it accepts
    /// connections.
    /// </summary>
    /// <exception cref="PrivatePostgresException">No programs, directory in use by another owner or unusable, or the server does not start.</exception>
    public static async Task<PrivatePostgres> StartAsync(PrivatePostgresOptions options, ILogger logger, TimeProvider time, CancellationToken ct)
    {
        options.Validate();
        var started = time.GetTimestamp();
        var user = ServerUser.Choose();
        var cluster = await PostgresCluster.OpenAsync(options.DataDirectory, user, time, ct);
        var ownerLock = TakeOwnership(cluster);
        try
        {
            var programs = await PostgresPrograms.FindAsync(options.BinDirectory, cluster.Major, ct);
            await EndLeftoverAsync(cluster, options, logger, time, ct);
            await cluster.PrepareAsync(programs, options, ct);
            var serverStarted = time.GetTimestamp(); // what initdb took is not the server's fault
            while (true)
            {
                var (server, complaint) = await TryStartAsync(programs, cluster, user, ownerLock, options, logger, time, serverStarted, ct);
                if (server is not null)
                {
                    Log.ServerReady(logger, programs.Major, server.ProcessId, cluster.Data, cluster.SocketDirectory,
                        (long)time.GetElapsedTime(started).TotalMilliseconds);
                    return server;
                }
                // backends of a killed postmaster see its death within moments; until then the new one refuses
                var isBlocked = complaint.Contains("shared memory block", StringComparison.Ordinal);
                // a postmaster that nobody has reaped yet, or a stranger with its old pid, looks alive to PostgreSQL
                var isStale = complaint.Contains("already exists", StringComparison.Ordinal) && PostmasterFile.Read(cluster.Data)?.IsAlive(cluster.Data) != true;
                if (!(isBlocked || isStale) || time.GetElapsedTime(serverStarted) > options.StartTimeout)
                    throw new PrivatePostgresException($"PostgreSQL did not start: {complaint.Trim()} (log: {cluster.LogDirectory})");
                if (isBlocked)
                    Log.SharedMemoryInUse(logger, cluster.Data);
                else if (!PostmasterFile.AnyoneIn(cluster.Data))
                    PostmasterFile.RemoveStale(cluster.Data, cluster.SocketDirectory, logger);
                await Task.Delay(PollInterval, time, ct);
            }
        }
        catch
        {
            await ownerLock.DisposeAsync();
            throw;
        }
    }

    static FileStream TakeOwnership(PostgresCluster cluster)
    {
        try
        {
            return new(cluster.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new PrivatePostgresException(
                $"'{cluster.Data}' is in use by another running owner ('{cluster.LockFile}' is locked). Mend: stop it, or name another data directory.", e);
        }
    }

    static async Task EndLeftoverAsync(PostgresCluster cluster, PrivatePostgresOptions options, ILogger logger, TimeProvider time, CancellationToken ct)
    {
        if (PostmasterFile.Read(cluster.Data) is not { } left || !left.IsAlive(cluster.Data)) return;
        Log.EndingLeftover(logger, left.ProcessId, cluster.Data);
        foreach (var (signal, name) in StopSignals)
        {
            Posix.Signal(left.ProcessId, signal);
            var asked = time.GetTimestamp();
            while (left.IsAlive(cluster.Data) && time.GetElapsedTime(asked) < options.StopTimeout) await Task.Delay(PollInterval, time, ct);
            if (!left.IsAlive(cluster.Data)) return;
            Log.SlowStop(logger, left.ProcessId, name, options.StopTimeout.TotalSeconds);
        }
        throw new PrivatePostgresException($"PostgreSQL pid {left.ProcessId}, left by a killed owner, does not end even on SIGKILL.");
    }

    static async Task<(PrivatePostgres? Server, string Complaint)> TryStartAsync(
        PostgresPrograms programs, PostgresCluster cluster, ServerUser? user, FileStream ownerLock, PrivatePostgresOptions options, ILogger logger,
        TimeProvider time, long started, CancellationToken ct)
    {
        var process = PostgresPrograms.Start(programs.Server, ["-D", cluster.Data], user, withInput: false);
        var said = new System.Text.StringBuilder();
        process.OutputDataReceived += (_, e) => Heard(e.Data);
        process.ErrorDataReceived += (_, e) => Heard(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var exited = WatchAsync(process, logger);
        try
        {
            while (!exited.IsCompleted)
            {
                if (PostmasterFile.Read(cluster.Data) is { Ready: true } file && file.ProcessId == process.Id)
                    return (new(process, exited, ownerLock, cluster, options, logger, time), "");
                if (time.GetElapsedTime(started) > options.StartTimeout)
                    throw new PrivatePostgresException(
                        $"PostgreSQL did not accept connections within {options.StartTimeout.TotalSeconds} s (log: {cluster.LogDirectory}).");
                await Task.WhenAny(exited, Task.Delay(PollInterval, time, ct));
                ct.ThrowIfCancellationRequested();
            }
        }
        catch
        {
            Posix.Signal(process.Id, Posix.SIGQUIT);
            await exited;
            process.Dispose();
            throw;
        }
        process.Dispose();
        lock (said) return (null, said + LastLogLines(cluster.LogDirectory));

        void Heard(string? line)
        {
            if (line is null) return;
            Log.ServerSaid(logger, line);
            lock (said)
                if (said.Length < 4096) said.AppendLine(line);
        }
    }

    static async Task<int> WatchAsync(Process process, ILogger logger)
    {
        var pid = process.Id;
        await process.WaitForExitAsync(CancellationToken.None);
        Log.ServerExited(logger, pid, process.ExitCode);
        return process.ExitCode;
    }

    static string LastLogLines(string logDirectory)
    {
        var newest = new DirectoryInfo(logDirectory).GetFiles().MaxBy(f => f.LastWriteTimeUtc);
        return newest is null ? "" : string.Join('\n', File.ReadLines(newest.FullName).TakeLast(5));
    }

    static (int Signal, string Name)[] StopSignals { get; } =
        [(Posix.SIGINT, "SIGINT"), (Posix.SIGQUIT, "SIGQUIT"), (Posix.SIGKILL, "SIGKILL")];

    /// <summary>Fast shutdown (open transactions roll back, checkpoint), then immediate, then SIGKILL. May be called again.</summary>
    /// <param name="ct">Hurries: a cancelled stop goes on at once with the next, harsher signal.</param>
    public async Task StopAsync(CancellationToken ct)
    {
        if (_stopped) return;
        _stopped = true;
        foreach (var (signal, name) in StopSignals)
        {
            if (Exited.IsCompleted) break;
            Posix.Signal(ProcessId, signal);
            var patience = signal == Posix.SIGINT ? Task.Delay(_options.StopTimeout, _time, ct) : Task.Delay(_options.StopTimeout, _time, CancellationToken.None);
            if (await Task.WhenAny(Exited, patience) != Exited) Log.SlowStop(_logger, ProcessId, name, _options.StopTimeout.TotalSeconds);
        }
        RemoveSocketDirectory();
        await _ownerLock.DisposeAsync();
        _process.Dispose();
    }

    /// <summary>Leaves no litter under /tmp; the next start makes it again. A killed server's socket stays for its successor.</summary>
    void RemoveSocketDirectory()
    {
        try
        {
            Directory.Delete(SocketDirectory, recursive: false);
        }
        catch (IOException)
        {
            // not empty: the server was killed
        }
    }

    /// <summary>What the death of the owner does: the lock is gone, the server still runs.</summary>
    internal void ReleaseOwnershipForTests() => _ownerLock.Dispose();

    /// <summary>Stops the server if it still runs.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);
}
