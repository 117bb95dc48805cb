using Framelease.Operator.Ledger;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>What an accepted beat is answered.</summary>
static class BeatReplies
{
    public static BeatReply Of(int timeoutSeconds, DrainOrder? drain) => drain is null
        ? new BeatReply(WorkerCommand.Continue, timeoutSeconds, 0, null)
        : new BeatReply(WorkerCommand.Drain, timeoutSeconds, drain.GraceSeconds, drain.Why);
}
