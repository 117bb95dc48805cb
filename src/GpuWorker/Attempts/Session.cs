using Framelease.GpuWorker.Api;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Attempts;

/// <summary>The attempt that this worker is bound to. A repeated attach brings fresh URLs and a fresh credential for the same attempt.</summary>
sealed class Session(IWorkerApi api, AttachRequest request, Assignment first, WorkerLog log)
{
    Assignment _assignment = first;

    public Assignment Assignment => Volatile.Read(ref _assignment);

    /// <summary>Attaches again, because a URL or the credential is no longer accepted.</summary>
    /// <returns>True when there is a fresh assignment of the same attempt.</returns>
    public async Task<bool> RefreshAsync(CancellationToken cancellation)
    {
        switch (await api.AttachAsync(request, cancellation))
        {
            case ApiAnswer<Assignment>.Ok(var fresh) when fresh.Attempt == Assignment.Attempt:
                Volatile.Write(ref _assignment, fresh);
                log.Line("attached again: fresh URLs and credential");
                return true;
            case ApiAnswer<Assignment>.Refused refused:
                log.Line($"attaching again was refused: {refused.Reason} {refused.Detail}");
                return false;
            default:
                return false;
        }
    }
}
