using Framelease.Cli.Processes;

namespace Framelease.EndToEnd.Tests.Support;

/// <summary>Test videos, made once a run.</summary>
static class Clips
{
    static readonly string Folder = MakeFolder();

    /// <summary>Two seconds, small: any codec takes about a second.</summary>
    public static string Short { get; } = Make("short.mp4", "320x180", 2);

    /// <summary>Long and large enough that a slow preset takes some ten seconds on two cores.</summary>
    public static string Long { get; } = Make("long.mp4", "1280x720", 20);

    /// <summary>Text that calls itself a video.</summary>
    public static string Text { get; } = MakeText();

    /// <summary>A file without a picture.</summary>
    public static string Sound { get; } = Ffmpeg("sound.mp4", "-f", "lavfi", "-i", "sine=frequency=440", "-t", "2", "-c:a", "aac");

    static string MakeFolder()
    {
        var folder = Directory.CreateTempSubdirectory("framelease-clips-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    static string Make(string name, string size, int seconds) => Ffmpeg(
        name, "-f", "lavfi", "-i", $"testsrc2=size={size}:rate=30", "-f", "lavfi", "-i", "sine=frequency=440",
        "-t", $"{seconds}", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac");

    static string Ffmpeg(string name, params string[] options)
    {
        var file = Path.Combine(Folder, name);
        var made = Tool.RunAsync("/usr/bin/env", ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", .. options, file], CancellationToken.None)
            .GetAwaiter().GetResult();
        return made.ExitCode == 0 ? file : throw new InvalidOperationException($"ffmpeg: {made.Error}");
    }

    static string MakeText()
    {
        var file = Path.Combine(Folder, "text.mp4");
        File.WriteAllText(file, string.Concat(Enumerable.Repeat("this is no video\n", 1000)));
        return file;
    }
}
