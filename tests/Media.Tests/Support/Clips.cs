using System.Diagnostics;

namespace Framelease.Media.Tests.Support;

/// <summary>A folder of its own per test class, and small clips made by the real ffmpeg.</summary>
public sealed class Clips : IDisposable
{
    public Clips()
    {
        Folder = Directory.CreateTempSubdirectory("framelease-media-").FullName;
        Programs = FfmpegLocator.Find(Environment.GetEnvironmentVariable);
    }

    public string Folder { get; }

    public FfmpegPrograms Programs { get; }

    public string Path(string name) => System.IO.Path.Combine(Folder, name);

    /// <summary>Runs ffmpeg with these arguments and the output's path; returns the path.</summary>
    public string Make(string name, params string[] arguments)
    {
        var path = Path(name);
        using var process = Process.Start(new ProcessStartInfo(Programs.Ffmpeg, ["-v", "error", "-nostdin", "-y", .. arguments, path])
        {
            RedirectStandardError = true,
        })!;
        var log = process.StandardError.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, log);
        return path;
    }

    /// <summary>H.264 and AAC in MP4: 320×180, 25 fps.</summary>
    public string Plain(string name = "plain.mp4", int seconds = 2) => File.Exists(Path(name)) ? Path(name) : Make(
        name, "-f", "lavfi", "-i", $"testsrc2=s=320x180:r=25:d={seconds}", "-f", "lavfi", "-i", $"sine=d={seconds}",
        "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-shortest");

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
