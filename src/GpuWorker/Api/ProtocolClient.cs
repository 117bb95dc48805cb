using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Api;

/// <summary>Calls of <c>/worker/v1</c> over HTTP: bounded in time and size. The one place where statuses become answers.</summary>
/// <param name="client">Base address: the operator's URL. Its own time-out is off; each call has one.</param>
sealed class ProtocolClient(HttpClient client, TimeProvider time)
{
    const int MaxAnswer = 1024 * 1024;

    public async Task<ApiAnswer<TOut>> PostAsync<TIn, TOut>(
        string path, string bearer, TIn body, JsonTypeInfo<TIn> inType, JsonTypeInfo<TOut> outType, TimeSpan within, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, inType)),
            };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var bytes = await ReadAsync(response.Content, either.Token);
            return response.IsSuccessStatusCode
                ? Value(bytes, outType)
                : Refusal<TOut>(response, bytes);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidOperationException or FormatException)
        {
            return new ApiAnswer<TOut>.Later(e.InnerException is { } inner ? $"{e.Message} ({inner.Message})" : e.Message, Reached: false, null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ApiAnswer<TOut>.Later($"no answer in {within.TotalSeconds:0} s", Reached: false, null);
        }
    }

    static async Task<byte[]> ReadAsync(HttpContent content, CancellationToken cancellation)
    {
        await content.LoadIntoBufferAsync(MaxAnswer, cancellation);
        return await content.ReadAsByteArrayAsync(cancellation);
    }

    static ApiAnswer<T> Value<T>(byte[] bytes, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) is { } value
                ? new ApiAnswer<T>.Ok(value)
                : new ApiAnswer<T>.Later("the operator's answer is empty", Reached: true, null);
        }
        catch (JsonException e)
        {
            return new ApiAnswer<T>.Later($"the operator's answer is not understood: {e.Message}", Reached: true, null);
        }
    }

    static ApiAnswer<T> Refusal<T>(HttpResponseMessage response, byte[] bytes)
    {
        var status = (int)response.StatusCode;
        var problem = Problem(bytes);
        var detail = problem?.Detail ?? problem?.Title ?? response.ReasonPhrase ?? "";
        return status is 408 or 425 or 429 or >= 500
            ? new ApiAnswer<T>.Later($"{status} {problem?.Reason} {detail}".Replace("  ", " ", StringComparison.Ordinal), Reached: true, response.Headers.RetryAfter?.Delta)
            : new ApiAnswer<T>.Refused(status, problem?.Reason ?? "", detail);
    }

    static Problem? Problem(byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, ProtocolJson.Default.Problem);
        }
        catch (JsonException)
        {
            return null; // a proxy's page, for example
        }
    }
}
