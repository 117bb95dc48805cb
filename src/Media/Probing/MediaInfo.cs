namespace Framelease.Media.Probing;

/// <summary>What ffprobe says of a file, reduced to what decisions need.</summary>
/// <param name="Container">Short format name: <c>mp4</c>, <c>matroska</c>, <c>webm</c>, <c>avi</c>, …</param>
/// <param name="Duration">Length of the whole; null when the container does not say.</param>
/// <param name="Bytes">File size.</param>
/// <param name="BitRate">Bits per second of the whole; 0 = unknown.</param>
/// <param name="Video">Video streams without cover pictures, in file order; never empty.</param>
/// <param name="Audio">Audio streams in file order.</param>
public sealed record MediaInfo(
    string Container, TimeSpan? Duration, long Bytes, long BitRate, IReadOnlyList<VideoStream> Video, IReadOnlyList<AudioStream> Audio)
{
    /// <summary>Frames of the first video stream; 0 = unknown.</summary>
    public long TotalFrames => Video[0].Frames;
}

/// <param name="Index">Index in the file, as ffmpeg's <c>-map 0:N</c> takes it.</param>
/// <param name="Width">As coded, before <paramref name="Rotation"/>.</param>
/// <param name="Rotation">Clockwise degrees that a player turns the picture by: 0, 90, 180 or 270.</param>
/// <param name="FrameRate">Average frames per second; 0 = unknown.</param>
/// <param name="Frames">From the container, else frame rate × duration; 0 = unknown.</param>
/// <param name="FramesExact">True when the container counts its frames.</param>
public sealed record VideoStream(
    int Index, string Codec, int Width, int Height, int Rotation, double FrameRate, long Frames, bool FramesExact,
    TimeSpan? Duration, string PixelFormat)
{
    bool Turned => Rotation is 90 or 270;

    /// <summary>Width as shown, after rotation; what ffmpeg's filters see.</summary>
    public int DisplayWidth => Turned ? Height : Width;

    public int DisplayHeight => Turned ? Width : Height;
}

public sealed record AudioStream(int Index, string Codec, int Channels, int SampleRate, long BitRate);
