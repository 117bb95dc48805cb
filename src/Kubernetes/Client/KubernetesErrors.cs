// HTTP answers and transport failures → KubernetesException. The only place that does it.
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Client;

static class KubernetesErrors
{
    /// <summary>Longest error body that is read; a Status is far smaller.</summary>
    const int MaxBody = 1 << 20;

    public static async Task<KubernetesException> FromResponseAsync(
        string what, HttpResponseMessage response, TimeProvider time, CancellationToken ct)
    {
        var body = await ReadBodyAsync(response.Content, ct);
        var retryAfter = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } when date > time.GetUtcNow() => date - time.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return FromStatus(what, ParseStatus(body) ?? Guess(response, body), retryAfter);
    }

    /// <summary>A Status that arrived inside a watch, or in an error body.</summary>
    public static KubernetesException FromStatus(string what, Status status, TimeSpan? retryAfter = null)
    {
        if (retryAfter is null && status.Details?.RetryAfterSeconds is > 0 and var seconds)
            retryAfter = TimeSpan.FromSeconds(seconds);
        var message = new StringBuilder(what).Append(": ").Append(status.Message ?? status.Reason ?? "failed");
        if (status.Code is { } code && status.Reason is { } reason)
            message.Append(" (").Append(code).Append(' ').Append(reason).Append(')');
        return new KubernetesException(message.ToString(), status, null, retryAfter);
    }

    /// <summary>An exception of the HTTP stack. Cancellation by the caller must be told apart before.</summary>
    public static KubernetesException FromTransport(string what, Uri server, Exception error)
    {
        var (reason, why) = error switch
        {
            OperationCanceledException => (KubernetesReasons.TimedOut, "no answer in time"),
            _ when Find<AuthenticationException>(error) is { } tls =>
                (KubernetesReasons.Unreachable, $"TLS: {(tls.InnerException ?? tls).Message} (check the CA data, the server's name and the client certificate)"),
            _ when Find<SocketException>(error) is { } socket => (KubernetesReasons.Unreachable, socket.Message),
            _ => (KubernetesReasons.Unreachable, error.Message),
        };
        return KubernetesException.Local(reason, $"{what}: {server.GetLeftPart(UriPartial.Authority)}: {why}", error);
    }

    public static KubernetesException InvalidResponse(string what, string why, Exception? inner = null) =>
        KubernetesException.Local(KubernetesReasons.InvalidResponse, $"{what}: the answer is not what a Kubernetes API server sends: {why}", inner);

    /// <summary>True when the request can not have reached the server, so that any verb may be sent again.</summary>
    public static bool NeverSent(Exception error) =>
        error is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.ProxyTunnelError,
        };

    static T? Find<T>(Exception? error)
        where T : Exception
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is T found)
                return found;
        }

        return null;
    }

    static async Task<byte[]> ReadBodyAsync(HttpContent content, CancellationToken ct)
    {
        try
        {
            await using var stream = await content.ReadAsStreamAsync(ct);
            using var buffer = new MemoryStream();
            var chunk = new byte[8192];
            int read;
            while (buffer.Length < MaxBody && (read = await stream.ReadAsync(chunk, ct)) > 0)
                buffer.Write(chunk, 0, read);
            return buffer.ToArray();
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            return []; // the status line says enough
        }
    }

    static Status? ParseStatus(byte[] body)
    {
        if (body.Length == 0 || body[0] != (byte)'{')
            return null;
        try
        {
            var status = JsonSerializer.Deserialize(body, KubernetesJson.Default.Info<Status>());
            return status is { Kind: "Status" } ? status : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A proxy, a gateway or a web server that is not Kubernetes answers without a Status.</summary>
    static Status Guess(HttpResponseMessage response, byte[] body)
    {
        var text = Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 300))).Trim();
        return new Status
        {
            Outcome = "Failure",
            Code = (int)response.StatusCode,
            Message = text.Length == 0 ? response.ReasonPhrase : text,
            Reason = response.StatusCode switch
            {
                HttpStatusCode.BadRequest => KubernetesReasons.BadRequest,
                HttpStatusCode.Unauthorized => KubernetesReasons.Unauthorized,
                HttpStatusCode.Forbidden => KubernetesReasons.Forbidden,
                HttpStatusCode.NotFound => KubernetesReasons.NotFound,
                HttpStatusCode.MethodNotAllowed => KubernetesReasons.MethodNotAllowed,
                HttpStatusCode.NotAcceptable => KubernetesReasons.NotAcceptable,
                HttpStatusCode.Conflict => KubernetesReasons.Conflict,
                HttpStatusCode.Gone => KubernetesReasons.Gone,
                HttpStatusCode.RequestEntityTooLarge => KubernetesReasons.RequestEntityTooLarge,
                HttpStatusCode.UnsupportedMediaType => KubernetesReasons.UnsupportedMediaType,
                HttpStatusCode.UnprocessableEntity => KubernetesReasons.Invalid,
                HttpStatusCode.TooManyRequests => KubernetesReasons.TooManyRequests,
                HttpStatusCode.ServiceUnavailable => KubernetesReasons.ServiceUnavailable,
                HttpStatusCode.GatewayTimeout => KubernetesReasons.Timeout,
                >= HttpStatusCode.InternalServerError => KubernetesReasons.InternalError,
                _ => "Unknown",
            },
        };
    }
}
