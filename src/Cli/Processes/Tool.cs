using System.Diagnostics;
using System.Text;

namespace Framelease.Cli.Processes;

/// <summary>What a finished program printed.</summary>
sealed record ToolResult(int ExitCode, string Output, string Error);

/// <summary>Programs of the machine: found in PATH, started with argument lists, never through a shell.</summary>
static class Tool
{
    /// <summary>Full path, or null.</summary>
    public static string? Find(string name, Func<string, string?> environment) =>
        (environment("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Runs to the end; cancelling kills it with what it started.</summary>
    public static async Task<ToolResult> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken ct, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using var process = Process.Start(start) ?? throw new CliException($"{program} did not start");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var error = process.StandardError.ReadToEndAsync(ct);
        try
        {
            await process.WaitForExitAsync(ct);
            return new ToolResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
