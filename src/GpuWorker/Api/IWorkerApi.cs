using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Api;

/// <summary>The operator as the worker sees it. Calls do not throw for what the network or the operator does; only for cancellation.</summary>
interface IWorkerApi
{
    Task<ApiAnswer<Assignment>> AttachAsync(AttachRequest request, CancellationToken cancellation);

    Task<ApiAnswer<BeatReply>> BeatAsync(string credential, BeatRequest request, TimeSpan within, CancellationToken cancellation);

    Task<ApiAnswer<CompleteReply>> CompleteAsync(string credential, CompleteRequest request, CancellationToken cancellation);

    Task<ApiAnswer<FailReply>> FailAsync(string credential, FailRequest request, CancellationToken cancellation);
}
