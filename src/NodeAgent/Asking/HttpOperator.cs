using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Framelease.WorkerProtocol;

namespace Framelease.NodeAgent.Asking;

/// <summary><c>/worker/v1/nodes/{node}</c> over HTTP; bounded in time and size.</summary>
/// <param name="client">Base address: the operator's URL. Its own time-out is off; each call has one.</param>
/// <param name="token">Read anew for each call, because tokens are rotated.</param>
sealed class HttpOperator(HttpClient client, string node, Func<string> token, TimeProvider time) : IOperator
{
    const int MaxAnswer = 1024 * 1024;
    static readonly TimeSpan ShortCall = TimeSpan.FromSeconds(15);

    readonly string _path = $"worker/v1/nodes/{Uri.EscapeDataString(node)}";

    public Task<Answer<NodeQuarantine>> QuarantineAsync(string? known, TimeSpan wait, CancellationToken cancel)
    {
        var seconds = (known is null ? 0 : (int)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return SendAsync(
            () =>
            {
                var request = new HttpRequestMessage(HttpMethod.Get, $"{_path}/quarantine?wait={seconds}");
                if (known is not null)
                    request.Headers.TryAddWithoutValidation("If-None-Match", known);
                return request;
            },
            ProtocolJson.Default.NodeQuarantine, wait + ShortCall, cancel);
    }

    public Task<Answer<ProofsReply>> ProveAsync(ProofsRequest request, CancellationToken cancel) => SendAsync(
        () => new HttpRequestMessage(HttpMethod.Post, $"{_path}/proofs")
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, ProtocolJson.Default.ProofsRequest))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            },
        },
        ProtocolJson.Default.ProofsReply, ShortCall, cancel);

    async Task<Answer<T>> SendAsync<T>(
        Func<HttpRequestMessage> make, JsonTypeInfo<T> type, TimeSpan within, CancellationToken cancel)
    {
        using var timeout = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancel);
        try
        {
            using var request = make();
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token());
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            await response.Content.LoadIntoBufferAsync(MaxAnswer, either.Token);
            var bytes = await response.Content.ReadAsByteArrayAsync(either.Token);
            if (response.StatusCode is HttpStatusCode.NotModified)
                return new Answer<T>.Unchanged();
            if (!response.IsSuccessStatusCode)
                return Refusal<T>(response, bytes);
            return JsonSerializer.Deserialize(bytes, type) is { } value
                ? new Answer<T>.Ok(value, response.Headers.ETag?.ToString())
                : new Answer<T>.Failed("the operator's answer is empty", IsRefusal: false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or InvalidOperationException
            or FormatException or JsonException)
        {
            return new Answer<T>.Failed(e.InnerException is { } inner ? $"{e.Message} ({inner.Message})" : e.Message, IsRefusal: false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new Answer<T>.Failed($"no answer in {within.TotalSeconds:0} s", IsRefusal: false);
        }
    }

    static Answer<T>.Failed Refusal<T>(HttpResponseMessage response, byte[] bytes)
    {
        var status = (int)response.StatusCode;
        Problem? problem = null;
        try
        {
            problem = JsonSerializer.Deserialize(bytes, ProtocolJson.Default.Problem);
        }
        catch (JsonException)
        {
            // A proxy's page, for example.
        }

        var said = string.Create(
            CultureInfo.InvariantCulture, $"{status} {problem?.Reason ?? response.ReasonPhrase} {problem?.Detail}").TrimEnd();
        return new Answer<T>.Failed(said, IsRefusal: status is >= 400 and < 500 and not (408 or 425 or 429));
    }
}
