// The private server on the machine's real PostgreSQL programs.
using System.Diagnostics;
using Framelease.LocalCluster.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Framelease.LocalCluster.Tests.Postgres;

public sealed class PrivatePostgresTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("framelease-pgtest-").FullName;
    readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(5));

    CancellationToken Ct => _limit.Token;

    public PrivatePostgresTests() =>
        // temporary directories are 0700; the server's user must pass through
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);

    public void Dispose()
    {
        _limit.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    Task<PrivatePostgres> StartAsync(string? directory = null) =>
        PrivatePostgres.StartAsync(new(directory ?? Path.Combine(_directory, "pg")), NullLogger.Instance, TimeProvider.System, Ct);

    [Fact]
    public async Task The_first_start_makes_a_cluster_that_keeps_its_data_and_its_connection_string_over_restarts()
    {
        string first;
        await using (var server = await StartAsync())
        {
            first = server.ConnectionString;
            await ExecuteAsync(first, "create table kept (n int); insert into kept values (42)");
            (await ScalarAsync(first, "show listen_addresses")).ShouldBe("");
            (await ScalarAsync(first, "select current_setting('server_encoding') || ' ' || current_setting('lc_collate')")).ShouldBe("UTF8 C");
            Process.GetProcessById(server.ProcessId).ProcessName.ShouldBe("postgres");
        }
        await using var again = await StartAsync();
        again.ConnectionString.ShouldBe(first);
        (await ScalarAsync(first, "select n from kept")).ShouldBe(42);
    }

    [Fact]
    public async Task A_killed_server_is_reported_and_the_next_start_recovers_at_once()
    {
        await using var server = await StartAsync();
        await ExecuteAsync(server.ConnectionString, "create table kept (n int); insert into kept values (1)");
        Kill(server.ProcessId);
        (await server.Exited.WaitAsync(Ct)).ShouldNotBe(0);
        await server.DisposeAsync();

        await using var again = await StartAsync();
        (await ScalarAsync(again.ConnectionString, "select n from kept")).ShouldBe(1);
    }

    [Fact]
    public async Task A_directory_that_is_in_use_is_refused()
    {
        await using var server = await StartAsync();
        var refusal = await Should.ThrowAsync<PrivatePostgresException>(() => StartAsync());
        refusal.Message.ShouldContain("in use by another running owner");
        (await ScalarAsync(server.ConnectionString, "select 1")).ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_a_killed_owner_left_is_ended_and_its_data_taken_over()
    {
        await using var owner = await StartAsync();
        await ExecuteAsync(owner.ConnectionString, "create table kept (n int); insert into kept values (7)");
        owner.ReleaseOwnershipForTests();

        await using var heir = await StartAsync();
        heir.ProcessId.ShouldNotBe(owner.ProcessId);
        (await owner.Exited.WaitAsync(Ct)).ShouldBe(0);
        (await ScalarAsync(heir.ConnectionString, "select n from kept")).ShouldBe(7);
    }

    [Fact]
    public async Task A_postmaster_file_that_names_a_stranger_is_not_believed()
    {
        var directory = Path.Combine(_directory, "pg");
        await using (await StartAsync(directory)) { }
        await File.WriteAllTextAsync(Path.Combine(directory, "data", "postmaster.pid"),
            $"{Environment.ProcessId}\n{directory}/data\n1\n5432\n{directory}/run\n\n\nready\n", Ct);
        PostmasterFile.Read(Path.Combine(directory, "data"))!.IsAlive(Path.Combine(directory, "data")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_killed_server_that_nobody_has_reaped_does_not_keep_the_next_one_out()
    {
        var directory = Path.Combine(_directory, "pg");
        string sockets;
        await using (var first = await StartAsync(directory))
            sockets = first.SocketDirectory;
        // Its parent never waits, so the child stays in the process table, under the server's own user: PostgreSQL takes it for alive.
        // The child ends only when that parent is no longer a shell, which would have reaped it.
        const string Orphan = "sh -c 'while read -r name < /proc/$PPID/comm && [ $name = sh ]; do :; done' & echo $!; exec sleep 600";
        using var parent = PostgresPrograms.Start("/bin/sh", ["-c", Orphan], ServerUser.Choose(), withInput: false);
        var unreaped = await parent.StandardOutput.ReadLineAsync(Ct);
        while (!(await File.ReadAllTextAsync($"/proc/{unreaped}/stat", Ct)).Contains(") Z ", StringComparison.Ordinal))
            await Task.Yield();
        var file = Path.Combine(directory, "data", "postmaster.pid");
        await File.WriteAllTextAsync(file, $"{unreaped}\n{directory}/data\n1\n5432\n{directory}/run\n\n\nready\n", Ct);
        Directory.CreateDirectory(sockets); // it went with the first server
        await File.WriteAllTextAsync(
            Path.Combine(sockets, ".s.PGSQL.5432.lock"), $"{unreaped}\n{directory}/data\n1\n5432\n{directory}/run\n", Ct);

        await using var server = await StartAsync(directory);

        (await ScalarAsync(server.ConnectionString, "select 7")).ShouldBe(7);
        parent.Kill();
    }

    [Fact]
    public async Task A_data_directory_with_a_long_path_gets_a_short_socket_path()
    {
        await using var server = await StartAsync(Path.Combine(_directory, new string('x', 100), "pg"));
        server.SocketDirectory.ShouldStartWith("/tmp/framelease-pg-");
        (await ScalarAsync(server.ConnectionString, "select 1")).ShouldBe(1);
        await server.StopAsync(Ct);
        Directory.Exists(server.SocketDirectory).ShouldBeFalse();
    }

    [Fact]
    public async Task Root_gets_a_cluster_even_in_a_directory_that_is_closed_to_others()
    {
        if (Environment.UserName != "root") return;
        var closed = Directory.CreateTempSubdirectory("framelease-closed-").FullName;
        var data = Path.Combine(closed, "pg");
        try
        {
            await using var server = await StartAsync(data);
            (await ScalarAsync(server.ConnectionString, "select 1")).ShouldBe(1);
            File.GetUnixFileMode(closed).ShouldBe((UnixFileMode)0b111_000_000);
            (await File.ReadAllTextAsync(Path.Combine(data, "LOCATION"), Ct)).ShouldStartWith("/var/lib/framelease/postgres-");
        }
        finally
        {
            Directory.Delete((await File.ReadAllTextAsync(Path.Combine(data, "LOCATION"), Ct)).Trim(), recursive: true);
            Directory.Delete(closed, recursive: true);
        }
    }

    [Fact]
    public async Task Missing_programs_are_named_with_the_mend()
    {
        var refusal = await Should.ThrowAsync<PrivatePostgresException>(() =>
            PrivatePostgres.StartAsync(new(Path.Combine(_directory, "pg"), BinDirectory: "/nonexistent"), NullLogger.Instance, TimeProvider.System, Ct));
        refusal.Message.ShouldContain("/nonexistent");
    }

    [Fact]
    public async Task A_foreign_directory_is_not_touched()
    {
        var directory = Path.Combine(_directory, "pg");
        Directory.CreateDirectory(Path.Combine(directory, "data"));
        await File.WriteAllTextAsync(Path.Combine(directory, "data", "thesis.txt"), "years of work", Ct);
        (await Should.ThrowAsync<PrivatePostgresException>(() => StartAsync(directory))).Message.ShouldContain("neither empty nor");
        File.Exists(Path.Combine(directory, "data", "thesis.txt")).ShouldBeTrue();
    }

    static void Kill(int pid) => Process.GetProcessById(pid).Kill();

    static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    static async Task<object?> ScalarAsync(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
