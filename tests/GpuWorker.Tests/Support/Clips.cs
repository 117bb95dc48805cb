using System.Diagnostics;
using Framelease.Media;

namespace Framelease.GpuWorker.Tests.Support;

/// <summary>Small inputs made by the real ffmpeg, once for all tests.</summary>
public sealed class Clips : IDisposable
{
    readonly FfmpegPrograms _programs = FfmpegLocator.Find(Environment.GetEnvironmentVariable);

    public Clips()
    {
        Folder = Directory.CreateTempSubdirectory("framelease-clips-").FullName;
        Plain = Make(
            "plain.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac");
        Long = Make("long.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=20", "-c:v", "libx264", "-preset", "ultrafast");
        Sound = Make("sound.mp4", "-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac");
        Text = Write("text.mp4", System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("Dear reader, this is no video.\n", 200))));
        Empty = Write("empty.mp4", []);
        var whole = File.ReadAllBytes(Plain);
        Cut = Write("cut.mp4", whole[..(whole.Length / 2)]);
        // an index at the front, so that the promise survives what was cut off
        var fast = Make("fast.mp4", "-i", Plain, "-c", "copy", "-movflags", "+faststart");
        var bytes = File.ReadAllBytes(fast);
        CutWithIndex = Write("cut-index.mp4", bytes[..(bytes.Length / 2)]);
    }

    public string Folder { get; }

    /// <summary>2 s of 320×180 H.264 with AAC.</summary>
    public string Plain { get; }

    /// <summary>20 s of 640×360: with a slow preset, work for minutes.</summary>
    public string Long { get; }

    public string Sound { get; }

    public string Text { get; }

    public string Empty { get; }

    public string Cut { get; }

    public string CutWithIndex { get; }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    string Make(string name, params string[] arguments)
    {
        var path = Path.Combine(Folder, name);
        using var process = Process.Start(new ProcessStartInfo(_programs.Ffmpeg, ["-v", "error", "-nostdin", "-y", .. arguments, path]) { RedirectStandardError = true })!;
        var log = process.StandardError.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, log);
        return path;
    }
}

[CollectionDefinition(Name)]
public sealed class ClipsCollection : ICollectionFixture<Clips>
{
    public const string Name = "clips";
}
