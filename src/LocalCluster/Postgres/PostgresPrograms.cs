// Finds initdb and postgres, and runs short-lived programs of theirs.
using System.Diagnostics;
using System.Text;

namespace Framelease.LocalCluster.Postgres;

internal sealed record PostgresPrograms(string BinDirectory, int Major)
{
    const int OldestMajor = 13;

    public string Initdb => Path.Combine(BinDirectory, "initdb");

    public string Server => Path.Combine(BinDirectory, "postgres");

    /// <summary>The first suitable programs; of exactly <paramref name="wantedMajor"/> when a data directory of that version exists.</summary>
    public static async Task<PostgresPrograms> FindAsync(string? binDirectory, int? wantedMajor, CancellationToken ct)
    {
        var seen = new List<string>();
        foreach (var directory in binDirectory is null ? Candidates() : [binDirectory])
        {
            var server = Path.Combine(directory, "postgres");
            if (!File.Exists(server) || !File.Exists(Path.Combine(directory, "initdb"))) continue;
            var (exit, output) = await RunAsync(server, ["--version"], user: null, input: null, ct);
            if (exit != 0 || ParseMajor(output) is not { } major) continue;
            seen.Add($"{directory} (version {major})");
            if (wantedMajor is null ? major >= OldestMajor : major == wantedMajor) return new(directory, major);
        }

        if (wantedMajor is not null && seen.Count > 0)
            throw new PrivatePostgresException($"The data directory was made by PostgreSQL {wantedMajor}, but only {string.Join(", ", seen)} is here. "
                + $"Mend: apt-get install postgresql-{wantedMajor}, or move the data with pg_upgrade.");
        if (binDirectory is not null)
            throw new PrivatePostgresException($"No PostgreSQL {OldestMajor} or newer (initdb and postgres) in '{binDirectory}'. Mend: give its bin directory.");
        throw new PrivatePostgresException((seen.Count > 0 ? $"PostgreSQL {OldestMajor} or newer is needed; found {string.Join(", ", seen)}. "
            : "PostgreSQL's server programs (initdb, postgres) are neither in PATH nor under /usr/lib/postgresql. ")
            + "Mend: apt-get install postgresql.");
    }

    static IEnumerable<string> Candidates()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        var versioned = new[] { "/usr/lib/postgresql", "/usr/local/lib/postgresql" }
            .Where(Directory.Exists)
            .SelectMany(Directory.GetDirectories)
            .OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var major) ? major : 0)
            .Select(d => Path.Combine(d, "bin"));
        return path.Concat(versioned).Distinct(StringComparer.Ordinal);
    }

    static int? ParseMajor(string version) // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    {
        var word = version.Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(w => char.IsDigit(w[0]));
        var digits = new string(word?.TakeWhile(char.IsDigit).ToArray() ?? []);
        return int.TryParse(digits, out var major) ? major : null;
    }

    /// <summary>Starts a server program with a clean environment: no PG* of the caller, C locale, working directory /.</summary>
    public static Process Start(string program, IEnumerable<string> arguments, ServerUser? user, bool withInput)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = "/",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = withInput,
        };
        if (user is not null) info.UserName = user.Name;
        foreach (var name in info.Environment.Keys.Where(k => k.StartsWith("PG", StringComparison.Ordinal) || k.StartsWith("LC_", StringComparison.Ordinal)).ToList())
            info.Environment.Remove(name);
        info.Environment["LC_ALL"] = "C";
        info.Environment["TZ"] = "UTC";
        return Process.Start(info) ?? throw new PrivatePostgresException($"'{program}' could not be started.");
    }

    public static async Task<(int Exit, string Output)> RunAsync(
        string program, IEnumerable<string> arguments, ServerUser? user, string? input, CancellationToken ct)
    {
        using var process = Start(program, arguments, user, withInput: true);
        var text = new StringBuilder();
        process.OutputDataReceived += (_, e) => Add(e.Data);
        process.ErrorDataReceived += (_, e) => Add(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            if (input is not null) await process.StandardInput.WriteAsync(input.AsMemory(), ct);
            process.StandardInput.Close();
            await process.WaitForExitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            Posix.Signal(process.Id, Posix.SIGKILL);
            throw;
        }
        lock (text) return (process.ExitCode, text.ToString());

        void Add(string? line)
        {
            if (line is null) return;
            lock (text)
                if (text.Length < 16_384) text.AppendLine(line);
        }
    }
}
