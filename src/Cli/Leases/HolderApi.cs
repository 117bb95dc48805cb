using Framelease.GpuWorker.Api;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Leases;

/// <summary>The operator as the holder of a lease sees it. Calls do not throw for what the network or the operator does.</summary>
interface IHolderApi
{
    Task<ApiAnswer<HolderWaitReply>> WaitAsync(HolderWaitRequest request, CancellationToken ct);

    Task<ApiAnswer<HeldLease>> AttachAsync(HolderAttachRequest request, CancellationToken ct);

    Task<ApiAnswer<BeatReply>> BeatAsync(string credential, HolderBeatRequest request, TimeSpan within, CancellationToken ct);

    Task<ApiAnswer<HolderReleaseReply>> ReleaseAsync(string credential, HolderReleaseRequest request, CancellationToken ct);
}

/// <summary><c>/worker/v1/leases</c> over HTTP.</summary>
/// <param name="token">Of the cluster, for wait and attach; read anew for each, because tokens are rotated.</param>
sealed class HolderApi(ProtocolClient client, Func<string> token) : IHolderApi
{
    static readonly TimeSpan LongCall = TimeSpan.FromSeconds(30);
    static readonly TimeSpan ShortCall = TimeSpan.FromSeconds(10);

    public Task<ApiAnswer<HolderWaitReply>> WaitAsync(HolderWaitRequest request, CancellationToken ct) => client.PostAsync(
        "worker/v1/leases/wait", token(), request, ProtocolJson.Default.HolderWaitRequest, ProtocolJson.Default.HolderWaitReply,
        TimeSpan.FromSeconds(request.Seconds) + ShortCall, ct);

    public Task<ApiAnswer<HeldLease>> AttachAsync(HolderAttachRequest request, CancellationToken ct) => client.PostAsync(
        "worker/v1/leases/attach", token(), request, ProtocolJson.Default.HolderAttachRequest, ProtocolJson.Default.HeldLease, LongCall, ct);

    public Task<ApiAnswer<BeatReply>> BeatAsync(string credential, HolderBeatRequest request, TimeSpan within, CancellationToken ct) => client.PostAsync(
        "worker/v1/leases/beat", credential, request, ProtocolJson.Default.HolderBeatRequest, ProtocolJson.Default.BeatReply, within, ct);

    public Task<ApiAnswer<HolderReleaseReply>> ReleaseAsync(string credential, HolderReleaseRequest request, CancellationToken ct) => client.PostAsync(
        "worker/v1/leases/release", credential, request, ProtocolJson.Default.HolderReleaseRequest, ProtocolJson.Default.HolderReleaseReply,
        ShortCall, ct);
}
