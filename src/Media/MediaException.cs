namespace Framelease.Media;

/// <summary>What went wrong with a media file or with the programs that read and write it.</summary>
public enum MediaFailure
{
    /// <summary>ffmpeg or ffprobe is not on this machine.</summary>
    NotInstalled,

    /// <summary>The file is not there.</summary>
    NotFound,

    /// <summary>The file has zero bytes.</summary>
    Empty,

    /// <summary>No demuxer understands the bytes, or they end too early.</summary>
    Unreadable,

    /// <summary>Readable, but without a video stream.</summary>
    NoVideo,

    /// <summary>A parameter is out of its bounds or does not fit the others.</summary>
    ParameterInvalid,

    /// <summary>This ffmpeg was built without an encoder that is needed.</summary>
    EncoderMissing,

    /// <summary>The disk of the output is full.</summary>
    NoSpace,

    /// <summary>The memory limit, or the machine's memory, was too small.</summary>
    OutOfMemory,

    /// <summary>The CPU time limit was reached.</summary>
    CpuLimit,

    /// <summary>The output grew to its limit.</summary>
    OutputLimit,

    /// <summary>The device or its driver refused.</summary>
    Gpu,

    /// <summary>A program took longer than it may.</summary>
    TimedOut,

    /// <summary>ffmpeg ended with an error that has no category of its own.</summary>
    Failed,
}

/// <summary>The one exception of this layer. The message says what is wrong and how to mend it; it can be shown to users.</summary>
/// <param name="failure">The category, for decisions.</param>
/// <param name="logTail">Last lines of the program's log, at most 4 KB; null when none ran.</param>
public sealed class MediaException(MediaFailure failure, string message, string? logTail = null, Exception? inner = null)
    : Exception(message, inner)
{
    public MediaFailure Failure { get; } = failure;

    public string? LogTail { get; } = logTail;
}
