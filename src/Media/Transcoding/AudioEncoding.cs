using Framelease.Media.Probing;

namespace Framelease.Media.Transcoding;

/// <summary>Options for the first audio stream. What the container cannot carry is encoded in what it can, with a note.</summary>
static class AudioEncoding
{
    static readonly string[] Mp4Copies = ["aac", "mp3", "ac3", "eac3", "opus", "alac", "flac"];
    static readonly string[] WebMCopies = ["opus", "vorbis"];

    public static IEnumerable<string> Options(AudioMode? wish, OutputContainer container, IReadOnlyList<AudioStream> streams, List<string> notes)
    {
        if (wish == AudioMode.None || streams.Count == 0)
            return ["-an"];
        var suits = container == OutputContainer.WebM ? AudioMode.Opus : AudioMode.Aac;
        var mode = wish ?? suits;
        if (mode == AudioMode.Copy && !(container == OutputContainer.WebM ? WebMCopies : Mp4Copies).Contains(streams[0].Codec))
        {
            notes.Add($"audio {streams[0].Codec} cannot be copied into {Name(container)}: encoded as {suits.ToString().ToLowerInvariant()}");
            mode = suits;
        }
        else if (mode == AudioMode.Aac && container == OutputContainer.WebM)
        {
            notes.Add("WebM carries no aac: audio encoded as opus");
            mode = AudioMode.Opus;
        }

        return ["-map", $"0:{streams[0].Index}", .. Encoder(mode, streams[0])];
    }

    static string[] Encoder(AudioMode mode, AudioStream stream) => mode switch
    {
        AudioMode.Copy => ["-c:a", "copy"],
        // libopus refuses layouts such as 5.1(side); beyond stereo the sound is mixed down
        AudioMode.Opus => ["-c:a", "libopus", "-b:a", "128k", .. stream.Channels > 2 ? (string[])["-ac", "2"] : []],
        _ => ["-c:a", "aac", "-b:a", "160k", .. stream.Channels > 8 ? (string[])["-ac", "2"] : []],
    };

    static string Name(OutputContainer container) => container == OutputContainer.WebM ? "WebM" : "MP4";
}
