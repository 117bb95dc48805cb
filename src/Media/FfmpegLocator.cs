namespace Framelease.Media;

/// <summary>Where the programs are that this layer drives.</summary>
/// <param name="Ffmpeg">Absolute path of ffmpeg.</param>
/// <param name="Ffprobe">Absolute path of ffprobe.</param>
/// <param name="Prlimit">util-linux's prlimit, which sets limits on CPU time and memory; null = they cannot be enforced here.</param>
/// <param name="Setsid">util-linux's setsid, which gives ffmpeg a process group of its own; null = only the process itself is signalled.</param>
public sealed record FfmpegPrograms(string Ffmpeg, string Ffprobe, string? Prlimit, string? Setsid);

/// <summary>
/// Finds ffmpeg and ffprobe: <c>FRAMELEASE_FFMPEG</c> (the program, or the folder that holds both) wins over <c>PATH</c>.
/// </summary>
public static class FfmpegLocator
{
    public const string Variable = "FRAMELEASE_FFMPEG";

    /// <param name="environment">Reads one environment variable; null when it is not set.</param>
    /// <exception cref="MediaException"><see cref="MediaFailure.NotInstalled"/>: says what is missing and how to install it.</exception>
    public static FfmpegPrograms Find(Func<string, string?> environment)
    {
        var folders = (environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries);
        var named = environment(Variable);
        var ffmpeg = string.IsNullOrEmpty(named) ? InFolders("ffmpeg", folders) : Named(named);
        if (ffmpeg is null)
            throw new MediaException(MediaFailure.NotInstalled, NotFoundMessage("ffmpeg", named));
        // a probe of the same build understands the same formats, so the neighbour comes first
        var ffprobe = InFolders("ffprobe", [Path.GetDirectoryName(ffmpeg)!, .. folders]);
        if (ffprobe is null)
            throw new MediaException(MediaFailure.NotInstalled, NotFoundMessage("ffprobe", named));
        return new FfmpegPrograms(ffmpeg, ffprobe, InFolders("prlimit", folders), InFolders("setsid", folders));
    }

    static string? Named(string value)
    {
        var program = Directory.Exists(value) ? Path.Combine(value, "ffmpeg") : value;
        return IsProgram(program) ? Path.GetFullPath(program) : null;
    }

    static string? InFolders(string program, IEnumerable<string> folders) =>
        folders.Where(Path.IsPathRooted).Select(folder => Path.Combine(folder, program)).FirstOrDefault(IsProgram);

    static bool IsProgram(string path) =>
        File.Exists(path)
        && (OperatingSystem.IsWindows()
            || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != UnixFileMode.None);

    static string NotFoundMessage(string program, string? named) => string.IsNullOrEmpty(named)
        ? $"The program '{program}' is not on PATH. Install it (Debian, Ubuntu: 'apt-get install ffmpeg'), or set {Variable} to its path."
        : $"{Variable} is '{named}', but there is no program '{program}' there. Point it at the ffmpeg program or at the folder that holds "
          + "ffmpeg and ffprobe, or unset it to search PATH.";
}
