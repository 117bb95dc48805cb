// Sending: credentials, time-out, retries where they are safe, decoding, and watches.
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Client;

public sealed partial class KubernetesClient
{
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        ResourceRef resource, string? ns, WatchOptions options, [EnumeratorCancellation] CancellationToken ct)
        where T : class
    {
        var query = new Query()
            .Add("watch", "true")
            .Add("labelSelector", options.LabelSelector)
            .Add("fieldSelector", options.FieldSelector)
            .Add("resourceVersion", options.ResourceVersion)
            .Add("sendInitialEvents", options.SendInitialEvents ? "true" : null)
            .Add("resourceVersionMatch", options.SendInitialEvents ? "NotOlderThan" : null)
            .Add("allowWatchBookmarks", options.AllowBookmarks ? "true" : null)
            .Add("timeoutSeconds", options.TimeoutSeconds);
        var request = new Request(HttpMethod.Get, resource.Path(ns) + query, "watch", resource);

        // The server ends the watch by itself; one that does not is dead, and a silent half-open connection must not keep us forever.
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(options.TimeoutSeconds + 20), _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        using var response = await OpenOnceAsync(request, linked.Token, ct);
        await using var body = await response.Content.ReadAsStreamAsync(linked.Token);
        using var lines = new LineReader(body);
        var info = Json.Info<T>();
        while (true)
        {
            ReadOnlyMemory<byte> line;
            try
            {
                if (!await lines.NextAsync(linked.Token))
                    yield break;
                line = lines.Line;
            }
            catch (Exception error) when (IsTransport(error, ct))
            {
                throw KubernetesErrors.FromTransport(request.ToString(), _options.Server, error);
            }

            yield return WatchReader.Read(request.ToString(), line.Span, info);
        }
    }

    async Task<T> SendAsync<T>(Request request, CancellationToken ct)
        where T : class
    {
        var info = Json.Info<T>();
        return await SendAsync(request, bytes => JsonSerializer.Deserialize(bytes, info), ct)
            ?? throw KubernetesErrors.InvalidResponse(request.ToString(), "null");
    }

    async Task<T> SendAsync<T>(Request request, Decoder<T> decode, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var deadline = new CancellationTokenSource(_options.Timeout, _time);
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
            var answered = false;
            KubernetesException failure;
            var neverSent = false;
            try
            {
                using var response = await AuthorizedAsync(request, linked.Token);
                answered = true;
                if (response.IsSuccessStatusCode)
                {
                    var bytes = await response.Content.ReadAsByteArrayAsync(linked.Token);
                    return Decode(request, bytes, decode);
                }

                failure = await KubernetesErrors.FromResponseAsync(request.ToString(), response, _time, linked.Token);
            }
            catch (Exception error) when (IsTransport(error, ct))
            {
                neverSent = !answered && KubernetesErrors.NeverSent(error);
                failure = KubernetesErrors.FromTransport(request.ToString(), _options.Server, error);
                KubernetesMetrics.Request(request.Verb, request.Resource, failure.Reason);
            }

            if (RetryPolicy.Next(failure, request.IsRepeatable, neverSent, attempt, _options.MaxRetries, _jitter.Next()) is not { } wait)
                throw failure;
            Log.Retrying(_log, request.Verb, request.Path, attempt, wait.TotalMilliseconds, failure.Message);
            await Task.Delay(wait, _time, ct);
        }
    }

    /// <summary>Opens a stream, with the retries of a read.</summary>
    async Task<HttpResponseMessage> OpenAsync(Request request, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await OpenOnceAsync(request, ct, ct);
            }
            catch (KubernetesException failure)
                when (RetryPolicy.Next(failure, isRepeatable: true, neverSent: false, attempt, _options.MaxRetries, _jitter.Next()) is { } wait)
            {
                Log.Retrying(_log, request.Verb, request.Path, attempt, wait.TotalMilliseconds, failure.Message);
                await Task.Delay(wait, _time, ct);
            }
        }
    }

    /// <summary>One try until the headers of the answer; the body is then read without a time-out of ours.</summary>
    async Task<HttpResponseMessage> OpenOnceAsync(Request request, CancellationToken ct, CancellationToken callers)
    {
        using var deadline = new CancellationTokenSource(_options.Timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            var response = await AuthorizedAsync(request, linked.Token);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
                throw await KubernetesErrors.FromResponseAsync(request.ToString(), response, _time, linked.Token);
        }
        catch (Exception error) when (IsTransport(error, callers))
        {
            var failure = KubernetesErrors.FromTransport(request.ToString(), _options.Server, error);
            KubernetesMetrics.Request(request.Verb, request.Resource, failure.Reason);
            throw failure;
        }
    }

    /// <summary>Sends as who we are, and once more when a 401 met a token or certificate that has been rotated since.</summary>
    async Task<HttpResponseMessage> AuthorizedAsync(Request request, CancellationToken ct)
    {
        for (var again = false; ; again = true)
        {
            var credential = await _credentials.CurrentAsync(ct);
            var http = _connections.For(credential.Identity);
            using var message = request.Message();
            if (credential.Token is { } token)
                message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            if (_options.TlsServerName is { } name)
                message.Headers.Host = name; // decides which name the certificate is checked for
            var started = _time.GetTimestamp();
            var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, ct);
            KubernetesMetrics.Answered(request.Verb, request.Resource, (int)response.StatusCode, _time.GetElapsedTime(started));
            if (response.StatusCode != HttpStatusCode.Unauthorized || again || !(await _credentials.RefreshAsync(credential, ct) | _connections.Refresh()))
                return response;
            response.Dispose();
        }
    }

    static T Decode<T>(Request request, byte[] bytes, Decoder<T> decode)
    {
        try
        {
            return decode(bytes);
        }
        catch (JsonException error)
        {
            throw KubernetesErrors.InvalidResponse(request.ToString(), error.Message, error);
        }
    }

    static bool IsTransport(Exception error, CancellationToken callers) => error switch
    {
        OperationCanceledException => !callers.IsCancellationRequested,
        HttpRequestException or IOException => true,
        _ => false,
    };

    delegate T Decoder<out T>(ReadOnlySpan<byte> utf8);
}
