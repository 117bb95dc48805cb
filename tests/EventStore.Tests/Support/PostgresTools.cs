// Backup and restore by PostgreSQL's own programs, as docs/how-to/backup-and-restore.md says.
using System.Diagnostics;
using Npgsql;

namespace Framelease.EventStore.Tests.Support;

public static class PostgresTools
{
    /// <summary>pg_dump -Fc into a file.</summary>
    public static Task DumpAsync(string connectionString, string file) => RunAsync("pg_dump", [.. Address(connectionString), "--format=custom", "--file=" + file]);

    /// <summary>The role that a dump does not hold, then pg_restore into an empty database, all or nothing.</summary>
    public static async Task RestoreAsync(string connectionString, string file)
    {
        await PostgresServer.ExecuteAsync(connectionString,
            "do $$ begin if to_regrole('framelease_app') is null then create role framelease_app nologin; end if; end $$");
        await RunAsync("pg_restore", [.. Address(connectionString), "--exit-on-error", "--single-transaction", "--no-owner", file]);
    }

    static string[] Address(string connectionString)
    {
        var text = new NpgsqlConnectionStringBuilder(connectionString);
        return [$"--host={text.Host}", $"--port={text.Port}", $"--username={text.Username}", $"--dbname={text.Database}"];
    }

    static async Task RunAsync(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Find(program), arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{program}: {said}");
    }

    static string Find(string program) => (Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql") : [])
        .OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var major) ? major : 0)
        .Select(d => Path.Combine(d, "bin", program))
        .FirstOrDefault(File.Exists) ?? program;
}
