using System.ComponentModel;
using System.Diagnostics;

namespace Framelease.Devices;

/// <summary>
/// Devices through NVIDIA's own program, which its driver brings along: started with an argument list, bounded in time and output. Where it is
/// missing, hangs or fails, nothing is known, and nothing else happens.
/// </summary>
/// <param name="program">Name in PATH, or a path.</param>
/// <param name="within">Longest time for one call. Default 5 s.</param>
public sealed class NvidiaSmi(TimeProvider time, string program = "nvidia-smi", TimeSpan? within = null) : IDeviceReader
{
    const int MaxOutput = 256 * 1024;
    const int LongestId = 128;

    readonly TimeSpan _within = within ?? TimeSpan.FromSeconds(5);

    public async Task<DeviceReading?> ReadAsync(string device, CancellationToken cancellation) =>
        await RunAsync(device, "--query-gpu=utilization.gpu,memory.used,memory.total,temperature.gpu", cancellation) is { } text
            ? SmiOutput.Reading(text) : null;

    public async Task<IReadOnlyList<DeviceProcess>?> ProcessesAsync(string device, CancellationToken cancellation) =>
        await RunAsync(device, "--query-compute-apps=pid,used_memory,process_name", cancellation) is { } text ? SmiOutput.Processes(text) : null;

    /// <summary>
    /// The devices of this machine, by index; null when they cannot be listed. The first call after a boot loads the driver.
    /// </summary>
    public async Task<IReadOnlyList<NodeDevice>?> ListAsync(CancellationToken cancellation) =>
        await RunAsync(["--query-gpu=uuid,index,name,memory.total"], cancellation) is { } text ? SmiOutput.Devices(text) : null;

    /// <summary>
    /// What is known to be wrong with devices, by UUID; null when nothing can be told, as by drivers that do not know the question.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, string>?> FaultsAsync(CancellationToken cancellation) =>
        await RunAsync(["--query-gpu=uuid,retired_pages.pending,remapped_rows.pending,remapped_rows.failure"], cancellation) is { } text
            ? SmiOutput.Faults(text) : null;

    // A device's id comes from outside: it must not be read as an option.
    async Task<string?> RunAsync(string device, string query, CancellationToken cancellation) =>
        device.Length is 0 or > LongestId || !device.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '/') || device[0] == '-'
            ? null : await RunAsync([$"--id={device}", query], cancellation);

    async Task<string?> RunAsync(string[] question, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, [.. question, "--format=csv,noheader,nounits"])
            {
                RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false,
            })!;
            process.StandardInput.Close();
            await using var kill = either.Token.Register(() => Kill(process));
            var errors = Bounded(process.StandardError, either.Token);
            var output = await Bounded(process.StandardOutput, either.Token);
            await errors;
            await process.WaitForExitAsync(either.Token);
            return process.ExitCode == 0 ? output : null;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return null; // not installed, or gone in between
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null; // it hangs, as it does on a device that fell off the bus
        }
    }

    static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // Ended in between.
        }
    }

    // What goes beyond the bound is read and thrown away, so that the program is never held up.
    static async Task<string> Bounded(StreamReader reader, CancellationToken cancellation)
    {
        var text = new System.Text.StringBuilder();
        var buffer = new char[4096];
        int read;
        while ((read = await reader.ReadAsync(buffer, cancellation)) > 0)
        {
            if (text.Length < MaxOutput)
                text.Append(buffer, 0, read);
        }

        return text.ToString();
    }
}
