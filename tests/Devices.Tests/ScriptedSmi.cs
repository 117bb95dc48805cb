namespace Framelease.Devices.Tests;

/// <summary>A program that stands in for nvidia-smi: a shell script that the test writes.</summary>
public sealed class ScriptedSmi : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("framelease-smi-").FullName;

    public ScriptedSmi(string script)
    {
        // Written by another process: a file that this one has open for writing, even for a moment, cannot be executed ("text file busy").
        using var writer = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "/bin/sh", ["-c", "printf '%s\\n' '#!/bin/sh' \"printf '%s\\\\n' \\\"\\$@\\\" > $2/arguments\" \"$1\" > \"$2/nvidia-smi\" && chmod 755 \"$2/nvidia-smi\"", "sh", script, _folder]))!;
        writer.WaitForExit();
        writer.ExitCode.ShouldBe(0);
    }

    public string Program => Path.Combine(_folder, "nvidia-smi");

    /// <summary>Of the last call.</summary>
    public string[] Arguments => File.ReadAllLines(Path.Combine(_folder, "arguments"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
