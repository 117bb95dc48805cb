using Framelease.Media;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker;

/// <summary>The attempt cannot succeed; carries what the operator is told. The one exception of this layer.</summary>
sealed class WorkerFailedException(FailRequest failure, Exception? inner = null) : Exception(failure.Message, inner)
{
    const int MaxMessage = 1024;

    public FailRequest Failure { get; } = failure with
    {
        Message = failure.Message.Length > MaxMessage ? failure.Message[..(MaxMessage - 1)] + "…" : failure.Message,
    };

    public static WorkerFailedException Of(FailCategory category, string reason, string message, bool retryable, Exception? inner = null) =>
        new(new FailRequest(category, reason, message, retryable, null), inner);

    /// <summary>What this worker's disk being full means, wherever it is noticed.</summary>
    public static WorkerFailedException ScratchFull(string scratch, Exception? inner = null) => Of(
        FailCategory.Storage, FailReasons.OutputNoSpace,
        $"The worker's scratch folder '{scratch}' is full. Free space on the node, or give the pod a larger scratch volume.", retryable: false, inner);

    /// <param name="limited">True when a memory limit was set: the same work would meet it again.</param>
    public static WorkerFailedException From(MediaException error, bool limited)
    {
        var (category, reason, retryable) = error.Failure switch
        {
            MediaFailure.NotInstalled or MediaFailure.EncoderMissing => (FailCategory.Engine, FailReasons.EngineNotInstalled, false),
            MediaFailure.Empty or MediaFailure.Unreadable or MediaFailure.TimedOut => (FailCategory.Input, FailReasons.InputUnreadable, false),
            MediaFailure.NoVideo => (FailCategory.Input, FailReasons.InputNotVideo, false),
            MediaFailure.ParameterInvalid => (FailCategory.UserError, FailReasons.ParameterInvalid, false),
            MediaFailure.NoSpace => (FailCategory.Storage, FailReasons.OutputNoSpace, false),
            MediaFailure.OutOfMemory => (FailCategory.OutOfMemory, FailReasons.OutOfMemory, !limited),
            MediaFailure.CpuLimit or MediaFailure.OutputLimit => (FailCategory.UserError, FailReasons.LimitExceeded, false),
            MediaFailure.Gpu => (FailCategory.Gpu, FailReasons.EngineFailed, true),
            MediaFailure.Failed => (FailCategory.Engine, FailReasons.EngineFailed, true),
            _ => (FailCategory.Internal, FailReasons.Internal, true),
        };
        return new WorkerFailedException(new FailRequest(category, reason, error.Message, retryable, error.LogTail), error);
    }
}
