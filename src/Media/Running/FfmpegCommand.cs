namespace Framelease.Media.Running;

/// <summary>One ffmpeg run as data: one local input, one local output.</summary>
/// <param name="Input">Absolute path of a local file that the worker fetched or opened itself.</param>
/// <param name="OutputOptions">Options of the output, each an argument of its own.</param>
/// <param name="Output">Absolute path; overwritten.</param>
/// <param name="Environment">Variables for the process, for example <c>CUDA_VISIBLE_DEVICES</c>.</param>
public sealed record FfmpegCommand(
    string Input, IReadOnlyList<string> OutputOptions, string Output, RunLimits Limits, IReadOnlyDictionary<string, string>? Environment = null)
{
    /// <summary>The whole argument list.</summary>
    public IReadOnlyList<string> ToArguments() =>
    [
        "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats", "-progress", "pipe:1", "-y",
        .. SafeInput.Options, "-i", SafeInput.Name(Input),
        .. OutputOptions,
        .. Limits.OutputBytes > 0 ? (string[])["-fs", $"{Limits.OutputBytes}"] : [],
        SafeInput.Name(Output),
    ];
}
