// One cluster's files: root/{data,run,log,owner.lock}. Made once, atomically; settings are written at every start.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Framelease.LocalCluster.Postgres;

internal sealed class PostgresCluster
{
    // sun_path holds 108 bytes with its terminating zero
    const int LongestSocketPath = 107;
    const string SocketFile = "/.s.PGSQL.5432";
    public const string SuperUser = "framelease";
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    readonly string _root;
    readonly ServerUser? _user;

    PostgresCluster(string root, ServerUser? user)
    {
        _root = root;
        _user = user;
        SocketDirectory = Path.Combine(root, "run");
        if (Encoding.UTF8.GetByteCount(SocketDirectory + SocketFile) > LongestSocketPath || SocketDirectory.Any(c => c is ';' or '=' or '"' or '\'' or ','))
            SocketDirectory = $"/tmp/framelease-pg-{Digest(root)}";
    }

    public string Data => Path.Combine(_root, "data");

    public string SocketDirectory { get; }

    public string LogDirectory => Path.Combine(_root, "log");

    public string LockFile => Path.Combine(_root, "owner.lock");

    public int? Major => File.Exists(Path.Combine(Data, "PG_VERSION"))
        ? int.Parse(File.ReadAllText(Path.Combine(Data, "PG_VERSION")).Trim().Split('.')[0], CultureInfo.InvariantCulture)
        : null;

    /// <summary>The cluster of a data directory as it is; null when there is none.</summary>
    public static PostgresCluster? Find(string dataDirectory)
    {
        var root = Path.GetFullPath(dataDirectory);
        var pointer = Path.Combine(root, "LOCATION");
        if (File.Exists(pointer)) root = File.ReadAllText(pointer).Trim();
        return Directory.Exists(root) && Directory.EnumerateFileSystemEntries(root).Any() ? new(root, null) : null;
    }

    /// <summary>Makes the directories, as the server's user can reach them.</summary>
    public static async Task<PostgresCluster> OpenAsync(string dataDirectory, ServerUser? user, TimeProvider time, CancellationToken ct)
    {
        var asked = Path.GetFullPath(dataDirectory);
        Directory.CreateDirectory(asked);
        var root = asked;
        if (user is not null)
        {
            var pointer = Path.Combine(asked, "LOCATION");
            if (File.Exists(pointer)) root = (await File.ReadAllTextAsync(pointer, ct)).Trim();
            else if (!await user.CanEnterAsync(Path.GetDirectoryName(asked) ?? "/", ct))
            {
                // never open somebody's private directory for others: keep the cluster elsewhere and say where
                root = $"/var/lib/framelease/postgres-{Digest($"{asked} {time.GetUtcNow().UtcTicks}")}";
                Directory.CreateDirectory(root);
                await File.WriteAllTextAsync(pointer, root + "\n", ct);
            }
        }
        Directory.CreateDirectory(root);
        var cluster = new PostgresCluster(root, user);
        cluster.Own(root);
        return cluster;
    }

    /// <summary>Under the owner's lock: sockets and log directories, initdb on first use, settings at every start.</summary>
    public async Task PrepareAsync(PostgresPrograms programs, PrivatePostgresOptions options, CancellationToken ct)
    {
        foreach (var directory in new[] { SocketDirectory, LogDirectory })
        {
            Directory.CreateDirectory(directory);
            if (new DirectoryInfo(directory).LinkTarget is not null)
                throw new PrivatePostgresException($"'{directory}' is a symbolic link; it must be a directory of our own. Mend: remove it.");
            Own(directory);
        }
        if (Major is null) await InitialiseAsync(programs, options, ct);
        await File.WriteAllTextAsync(Path.Combine(Data, "pg_hba.conf"),
            "# Written at every start. The socket's directory is open to its owner only, so who reaches the socket is trusted.\nlocal all all trust\n", ct);
        await File.WriteAllTextAsync(Path.Combine(Data, "postgresql.conf"), Settings(options), ct);
    }

    async Task InitialiseAsync(PostgresPrograms programs, PrivatePostgresOptions options, CancellationToken ct)
    {
        // made beside and renamed: a crash half-way leaves nothing that looks like a cluster
        var beside = Path.Combine(_root, "data.new");
        if (Directory.Exists(beside)) Directory.Delete(beside, recursive: true);
        if (Directory.Exists(Data) && Directory.EnumerateFileSystemEntries(Data).Any())
            throw new PrivatePostgresException($"'{Data}' is neither empty nor a PostgreSQL data directory (no PG_VERSION). Mend: name another directory.");
        await RunAsync(programs.Initdb, ["-D", beside, "-U", SuperUser, "-A", "trust", "-E", "UTF8", "--locale=C"], input: null, ct);
        // --single has no command separator but the newline
        await RunAsync(programs.Server, ["--single", "-D", beside, "postgres"], $"CREATE DATABASE {options.Database}\n", ct);
        if (Directory.Exists(Data)) Directory.Delete(Data);
        Directory.Move(beside, Data);
    }

    async Task RunAsync(string program, string[] arguments, string? input, CancellationToken ct)
    {
        var (exit, output) = await PostgresPrograms.RunAsync(program, arguments, _user, input, ct);
        if (exit != 0) throw new PrivatePostgresException($"{Path.GetFileName(program)} ended with exit code {exit}: {output.Trim()}");
    }

    string Settings(PrivatePostgresOptions options) => string.Create(CultureInfo.InvariantCulture, $"""
        # Written at every start; put changes into the options of the private server, not here.
        listen_addresses = ''
        unix_socket_directories = '{SocketDirectory}'
        unix_socket_permissions = 0700
        port = 5432
        max_connections = {options.MaxConnections}
        cluster_name = 'framelease'
        # small: it lives beside the whole platform on one machine
        shared_buffers = {options.SharedBuffersMiB}MB
        huge_pages = off
        max_wal_size = 256MB
        min_wal_size = 32MB
        max_logical_replication_workers = 0
        max_parallel_workers_per_gather = 0
        jit = off
        # nothing acknowledged is ever lost
        fsync = on
        full_page_writes = on
        synchronous_commit = on
        timezone = 'UTC'
        log_timezone = 'UTC'
        # one file a weekday, overwritten a week later
        logging_collector = on
        log_directory = '{LogDirectory}'
        log_filename = 'postgres-%a.log'
        log_rotation_age = 1d
        log_rotation_size = 0
        log_truncate_on_rotation = on
        log_line_prefix = '%m [%p] '

        """);

    void Own(string directory)
    {
        if (_user is not null) Posix.ChangeOwner(directory, _user);
        try
        {
            File.SetUnixFileMode(directory, OwnerOnly);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new PrivatePostgresException($"'{directory}' belongs to another user. Mend: remove it, or name another data directory.", e);
        }
    }

    static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12];
}
