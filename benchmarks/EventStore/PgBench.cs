using System.Globalization;
using System.Text.RegularExpressions;
using Framelease.Cli.Processes;

namespace Framelease.Benchmarks.EventStore;

/// <summary>What PostgreSQL's own tool gets from the rival's function: the rival must not be slow because of how it is called.</summary>
static partial class PgBench
{
    /// <returns>Appends a second, or null where there is no pgbench.</returns>
    public static async Task<double?> RunAsync(string socket, string database, int clients, TimeSpan duration, string directory, CancellationToken ct)
    {
        if (Directory.GetFiles("/usr/lib/postgresql", "pgbench", SearchOption.AllDirectories).Order(StringComparer.Ordinal).LastOrDefault() is not { } program)
            return null;
        var script = Path.Combine(directory, "append.pgbench");
        // A colon before a letter or digit would be a variable of pgbench.
        var json = FrameCoded.Json.Replace(":", ": ", StringComparison.Ordinal);
        await File.WriteAllTextAsync(
            script,
            $$"""
            \set n random(1, 1000000000)
            select rival.quick_append_events('pgbench-' || :client_id || '-' || :n, null, '*DEFAULT*', array[gen_random_uuid()], array['frame_coded'], array['{{FrameCoded.DotNetType}}'], array['{{json}}'::jsonb], array[null]::varchar[], array[null]::varchar[], array['{}'::jsonb], array['bench'], array[now()], 0)

            """,
            ct);
        var ran = await Tool.RunAsync(
            program,
            [
                "-h", socket, "-U", "framelease", "-n", "-M", "prepared", "-c", Text(clients), "-j", Text(Math.Min(clients, Environment.ProcessorCount)),
                "-T", Text((int)Math.Ceiling(duration.TotalSeconds)), "-f", script, database,
            ],
            ct);
        return ran.ExitCode == 0 && Tps().Match(ran.Output) is { Success: true } match
            ? double.Parse(match.Groups["tps"].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"pgbench: {ran.Error}");
    }

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"tps = (?<tps>[0-9.]+) \(without", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Tps();
}
