using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.Processes;

namespace Framelease.Cli.Demo;

/// <summary>
/// The platform of one demo: <c>framelease up</c> as a child, on free ports, in a directory of its own. Unless it is to stay, it ends when our end of
/// its standard input closes, so even a SIGKILL of the demo leaves nothing behind.
/// </summary>
sealed class DemoPlatform : IAsyncDisposable
{
    readonly Process _process;
    readonly TimeProvider _time;

    DemoPlatform(Process process, JsonObject facts, TimeProvider time)
    {
        (_process, _time) = (process, time);
        Kubeconfig = (string)facts["kubeconfig"]!;
        OperatorUrl = (string)facts["operatorUrl"]!;
        ObjectStore = (string)facts["objectStore"]!;
        Pid = (int)facts["pid"]!;
    }

    /// <summary>The command line to start; benchmarks name the built one.</summary>
    public static string? Program { get; set; } = System.Environment.ProcessPath;

    public string Kubeconfig { get; }

    public string OperatorUrl { get; }

    public string ObjectStore { get; }

    public int Pid { get; }

    public bool Keep { get; set; }

    /// <param name="more">Options of <c>framelease up</c> beside those of a demo.</param>
    public static async Task<DemoPlatform> StartAsync(
        string directory, bool keep, Shell shell, CancellationToken ct, IReadOnlyList<string>? more = null)
    {
        var program = Program ?? throw new CliException("the path of this program is not known");
        var log = Path.Combine(directory, "up.log");
        // A session of its own: Ctrl-C reaches the demo alone, which then stops the platform in order.
        var setsid = Tool.Find("setsid", shell.Environment);
        var start = new ProcessStartInfo(setsid ?? program)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = directory,
        };
        foreach (var argument in (string[])
            [.. setsid is null ? Array.Empty<string>() : [program], "up", "--data-dir", Path.Combine(directory, "data"),
                "--port", "0", "--metrics-port", "0", "--api-port", "0",
                "--output", "json", .. keep ? Array.Empty<string>() : ["--until-stdin-closes"], .. more ?? []])
            start.ArgumentList.Add(argument);
        var process = Process.Start(start) ?? throw new CliException($"{program} did not start");
        var errors = CopyAsync(process.StandardError, log);
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(ct);
            if (line is null)
            {
                await errors;
                throw new CliException($"the platform did not start: {(await File.ReadAllLinesAsync(log, ct)).LastOrDefault() ?? "it said nothing"}");
            }

            return new DemoPlatform(process, (JsonObject)JsonNode.Parse(line)!, shell.Time);
        }
        catch
        {
            Signals.Send(process.Id, Signals.Term);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Keep)
        {
            _process.Dispose();
            return;
        }

        _process.StandardInput.Close();
        Signals.Send(Pid, Signals.Term);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60), _time);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new CliException(string.Create(CultureInfo.InvariantCulture, $"the platform (process {Pid}) did not stop within 60 s"));
        }
        finally
        {
            _process.Dispose();
        }
    }

    static async Task CopyAsync(StreamReader reader, string file)
    {
        await using var writer = new StreamWriter(file) { AutoFlush = true };
        while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
            await writer.WriteLineAsync(line);
    }
}
