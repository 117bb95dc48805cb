namespace Framelease.Operator.Notifications.Sinks;

/// <summary>
/// Requests to URLs that people wrote: guarded, without redirects or proxies, bounded in time, and nothing of the answer is read but its
/// status.
/// </summary>
sealed class HttpSending : IDisposable
{
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    readonly HttpClient _http;

    public HttpSending(AddressGuard guard) => _http = new HttpClient(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseProxy = false, UseCookies = false, ConnectCallback = guard.ConnectAsync,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        MaxResponseHeadersLength = 16,
    })
    {
        Timeout = Timeout,
    };

    /// <exception cref="NotificationFailedException">No answer, or none of 2xx.</exception>
    public async Task SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            var status = (int)answer.StatusCode;
            if (answer.IsSuccessStatusCode)
                return;
            // What the receiver calls our mistake will be one next time, too; too early, too many and time-outs pass.
            throw new NotificationFailedException(
                $"{request.RequestUri!.Host} answered {status} {answer.ReasonPhrase}",
                    status is >= 400 and < 500 and not (408 or 425 or 429));
        }
        catch (HttpRequestException e)
        {
            throw new NotificationFailedException($"{request.RequestUri!.Host}: {e.Message}", false, e);
        }
        catch (TaskCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new NotificationFailedException($"{request.RequestUri!.Host}: no answer within {Timeout.TotalSeconds:0} s", false, e);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Read at every use, so that it can be rotated.</summary>
    public static async Task<string> SecretAsync(string file, CancellationToken cancel)
    {
        try
        {
            return (await File.ReadAllTextAsync(file, cancel)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NotificationFailedException($"secretFile: {e.Message}", false, e);
        }
    }
}
