using System.Diagnostics;
using Framelease.Cli.Processes;
using Framelease.Media;
using Framelease.Media.Probing;
using Framelease.Media.Running;
using Framelease.Media.Transcoding;

namespace Framelease.Benchmarks.Platform;

/// <summary>The rival: ffmpeg alone, with the very arguments that the worker gives it.</summary>
sealed class BareRun(Cli.Shell shell)
{
    readonly FfmpegPrograms _programs = FfmpegLocator.Find(shell.Environment);

    public async Task<TimeSpan> MeasureAsync(string input, string output, IReadOnlyDictionary<string, string> parameters, CancellationToken ct)
    {
        var arguments = await ArgumentsAsync(input, output, parameters, ct);
        var started = shell.Time.GetTimestamp();
        var ran = await Tool.RunAsync(_programs.Ffmpeg, arguments, ct);
        var took = shell.Time.GetElapsedTime(started);
        return ran.ExitCode == 0 ? took : throw new InvalidOperationException($"ffmpeg: {ran.Error}");
    }

    async Task<IReadOnlyList<string>> ArgumentsAsync(string input, string output, IReadOnlyDictionary<string, string> parameters, CancellationToken ct)
    {
        var media = await new FfprobeReader(_programs, shell.Time).ReadAsync(input, "the clip", ct);
        var parsed = TranscodeParameters.Parse(parameters);
        var encoder = await new EncoderSelector(_programs, shell.Time).ChooseAsync(parsed.Codec, realGpu: false, null, ct);
        // Threads 0: the sample engine leaves them to ffmpeg, and so does the bare run.
        var request = new TranscodeRequest(parsed, encoder, null, RunLimits.None, Threads: 0, DeviceId: null);
        return TranscodePlan.Build(request, media, input, output).Command.ToArguments();
    }
}
