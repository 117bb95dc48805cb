using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Api;

/// <summary><c>/worker/v1</c> over HTTP, for a worker in its pod.</summary>
/// <param name="client">Base address: the operator's URL. Its own time-out is off; each call has one.</param>
sealed class HttpWorkerApi(HttpClient client, string tokenFile, TimeProvider time) : IWorkerApi
{
    static readonly TimeSpan LongCall = TimeSpan.FromSeconds(30);
    static readonly TimeSpan ShortCall = TimeSpan.FromSeconds(10);
    readonly ProtocolClient _client = new(client, time);

    public async Task<ApiAnswer<Assignment>> AttachAsync(AttachRequest request, CancellationToken cancellation)
    {
        string token;
        try
        {
            token = (await File.ReadAllTextAsync(tokenFile, cancellation)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ApiAnswer<Assignment>.Later($"the token file '{tokenFile}' cannot be read: {e.Message}", Reached: false, null);
        }

        return await _client.PostAsync(
            "worker/v1/attach", token, request, ProtocolJson.Default.AttachRequest, ProtocolJson.Default.Assignment, LongCall, cancellation);
    }

    public Task<ApiAnswer<BeatReply>> BeatAsync(string credential, BeatRequest request, TimeSpan within, CancellationToken cancellation) =>
        _client.PostAsync("worker/v1/beat", credential, request, ProtocolJson.Default.BeatRequest, ProtocolJson.Default.BeatReply, within, cancellation);

    public Task<ApiAnswer<CompleteReply>> CompleteAsync(string credential, CompleteRequest request, CancellationToken cancellation) => _client.PostAsync(
        "worker/v1/complete", credential, request, ProtocolJson.Default.CompleteRequest, ProtocolJson.Default.CompleteReply, LongCall, cancellation);

    public Task<ApiAnswer<FailReply>> FailAsync(string credential, FailRequest request, CancellationToken cancellation) =>
        _client.PostAsync("worker/v1/fail", credential, request, ProtocolJson.Default.FailRequest, ProtocolJson.Default.FailReply, ShortCall, cancellation);
}
