using Framelease.GpuWorker.Api;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.WorkerProtocol;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary><c>/worker/v1</c> as a worker in its pod calls it.</summary>
/// <param name="isOld">Of the version before an upgrade, as long as it lives.</param>
sealed class SimWorkerApi(ReplicaCalls calls, string podUid, bool isOld) : IWorkerApi
{
    public Task<ApiAnswer<Assignment>> AttachAsync(AttachRequest request, CancellationToken cancellation)
    {
        var sent = isOld ? OldVersion.Of(request) : request;
        return calls.CallAsync(o => o.Worker.AttachAsync(PodTokens.Of(podUid), sent, CancellationToken.None), cancellation);
    }

    public Task<ApiAnswer<BeatReply>> BeatAsync(string credential, BeatRequest request, TimeSpan within, CancellationToken cancellation)
    {
        var sent = isOld ? OldVersion.Of(request) : request;
        return calls.CallAsync(o => o.Worker.BeatAsync(Fence(o, credential), sent, CancellationToken.None), cancellation);
    }

    public Task<ApiAnswer<CompleteReply>> CompleteAsync(string credential, CompleteRequest request, CancellationToken cancellation)
    {
        var sent = isOld ? OldVersion.Of(request) : request;
        return calls.CallAsync(o => o.Worker.CompleteAsync(Fence(o, credential), sent, CancellationToken.None), cancellation);
    }

    public Task<ApiAnswer<FailReply>> FailAsync(string credential, FailRequest request, CancellationToken cancellation)
    {
        var sent = isOld ? OldVersion.Of(request) : request;
        return calls.CallAsync(o => o.Worker.FailAsync(Fence(o, credential), sent, CancellationToken.None), cancellation);
    }

    static AttemptFence Fence(WholeReplica replica, string credential) =>
        replica.Credential.Verify(credential) ?? throw new HttpProblem(401, "Unauthorized", "the credential is not ours");
}
