namespace Framelease.WorkerProtocol;

/// <summary><c>POST /worker/v1/complete</c>. Idempotent by (attempt, pod UID): the same digest gets 200 again, another <c>409 ConflictingResult</c>.</summary>
/// <param name="Sha256">Lower-case hex digest of the uploaded bytes.</param>
/// <param name="Key">The staging key that was written.</param>
/// <param name="Encoder">Encoder that ran, for example <c>libx264</c> or <c>h264_nvenc</c>.</param>
/// <param name="EncoderReason">Why that encoder, for example <c>device is a software slot</c>.</param>
/// <param name="Probes">How the device was before and after the work; a dirty one after it does not touch the result.</param>
public sealed record CompleteRequest(
    string Sha256, long Bytes, string Key, MediaFacts Media, string Encoder, string EncoderReason, long Frames, long EngineMillis,
    long CpuMillis, DeviceProbes? Probes = null);

/// <summary>What ffprobe says of the output.</summary>
public sealed record MediaFacts(
    string Container, string VideoCodec, int Width, int Height, long DurationMillis, string? AudioCodec, long BitRate);

/// <param name="Uri">Where the committed output is, as shown to people.</param>
public sealed record CompleteReply(string Uri);

/// <summary><c>POST /worker/v1/fail</c>. Idempotent by (attempt, pod UID).</summary>
/// <param name="Reason">CamelCase, fixed set, see <see cref="FailReasons"/>.</param>
/// <param name="Message">For people: what is wrong and how to mend it, at most 1024 characters.</param>
/// <param name="Retryable">False where another attempt cannot help.</param>
/// <param name="LogTail">Last lines of the engine's log, at most 4 KB.</param>
/// <param name="Probes">How the device was. With reason DeviceDirty, the attempt has touched nothing, and is returned uncounted.</param>
public sealed record FailRequest(FailCategory Category, string Reason, string Message, bool Retryable, string? LogTail,
    DeviceProbes? Probes = null);

public sealed record FailReply(bool Recorded);

/// <summary>Why an attempt failed, by who can mend it.</summary>
public enum FailCategory { UserError, Input, Storage, Engine, OutOfMemory, Gpu, NodeLost, Cancelled, Internal }

/// <summary>The fixed reasons that a worker may give.</summary>
public static class FailReasons
{
    public const string InputNotFound = nameof(InputNotFound);
    public const string InputNotAllowed = nameof(InputNotAllowed);
    public const string InputUnreachable = nameof(InputUnreachable);
    public const string InputTooLarge = nameof(InputTooLarge);
    public const string InputUnreadable = nameof(InputUnreadable);
    public const string InputNotVideo = nameof(InputNotVideo);
    public const string ParameterInvalid = nameof(ParameterInvalid);
    public const string OutputNoSpace = nameof(OutputNoSpace);
    public const string OutputNotWritable = nameof(OutputNotWritable);
    public const string LimitExceeded = nameof(LimitExceeded);
    public const string EngineFailed = nameof(EngineFailed);
    public const string EngineNotInstalled = nameof(EngineNotInstalled);
    public const string OutOfMemory = nameof(OutOfMemory);
    public const string DeviceDirty = nameof(DeviceDirty);
    public const string Stopped = nameof(Stopped);
    public const string Internal = nameof(Internal);
}

/// <summary>RFC 9457 problem details as the operator answers them.</summary>
/// <param name="Reason">CamelCase: StaleHolder, ConflictingResult, TooEarly, Unauthorized, Invalid, Unavailable.</param>
public sealed record Problem(string? Type, string Title, int Status, string? Detail, string? Reason);
