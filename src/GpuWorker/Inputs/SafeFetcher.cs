using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Inputs;

/// <summary>
/// Fetches what a user's URL names, without letting it reach what the user cannot: the name is resolved here, the address is checked at the very
/// connect that uses it (so a name that changes its address gains nothing), and redirects are followed by hand under the same rules.
/// </summary>
/// <param name="resolve">Answers a host name's addresses; a port.</param>
sealed class SafeFetcher(Func<string, CancellationToken, Task<IPAddress[]>> resolve, WorkerLog log, TimeProvider time, Random chance)
{
    const int MaxRedirects = 5;
    const int Tries = 3;
    static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);
    static readonly TimeSpan HeadersWithin = TimeSpan.FromSeconds(30);

    public async Task<long> FetchAsync(InputSource source, Scratch scratch, Action<long, long?> moved, CancellationToken cancellation)
    {
        using var client = new HttpClient(Handler(source.AllowedHosts)) { Timeout = Timeout.InfiniteTimeSpan };
        var backoff = new Backoff(chance, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(2));
        for (var tries = 1; ; tries++)
        {
            try
            {
                using var response = await FollowAsync(client, Checked(source.Uri, source.DisplayUri), source, cancellation);
                return await Download.SaveAsync(response, source, scratch, moved, time, cancellation);
            }
            catch (WorkerFailedException e) when (e.Failure.Retryable && tries < Tries)
            {
                log.Line($"input: {e.Message} Trying again.");
                await Task.Delay(backoff.Next(), time, cancellation);
            }
        }
    }

    async Task<HttpResponseMessage> FollowAsync(HttpClient client, Uri uri, InputSource source, CancellationToken cancellation)
    {
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendAsync(client, uri, source, cancellation);
            if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
                or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect) || response.Headers.Location is not { } location)
            {
                return response;
            }

            response.Dispose();
            if (redirects == MaxRedirects)
                throw Refused($"{source.DisplayUri} redirects more than {MaxRedirects} times. Give the final URL.");
            var target = new Uri(uri, location);
            if (uri.Scheme == "https" && target.Scheme == "http")
                throw Refused($"{source.DisplayUri} redirects from https to http. Give the final URL.");
            uri = Checked(target.AbsoluteUri, source.DisplayUri);
        }
    }

    async Task<HttpResponseMessage> SendAsync(HttpClient client, Uri uri, InputSource source, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(HeadersWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            request.Headers.TryAddWithoutValidation("User-Agent", "framelease-worker");
            request.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
        }
        catch (HttpRequestException e) when (Inner<WorkerFailedException>(e) is { } ours)
        {
            ExceptionDispatchInfo.Throw(ours);
            throw;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Download.Unreachable(source, e.InnerException?.Message ?? e.Message, retryable: true, e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw Download.Unreachable(source, $"no answer in {HeadersWithin.TotalSeconds:0} s", retryable: true, e);
        }
    }

    SocketsHttpHandler Handler(IReadOnlyList<string> allowedHosts) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false, // a proxy would make the connection out of our sight
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = ConnectWithin,
        MaxResponseHeadersLength = 64,
        ConnectCallback = async (context, cancellation) => await ConnectAsync(context.DnsEndPoint, allowedHosts, cancellation),
    };

    async Task<Stream> ConnectAsync(DnsEndPoint target, IReadOnlyList<string> allowedHosts, CancellationToken cancellation)
    {
        var host = target.Host.Trim('[', ']');
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await ResolveAsync(host, cancellation);
        var excused = allowedHosts.Any(h => string.Equals(h, host, StringComparison.OrdinalIgnoreCase));
        var usable = addresses.Where(a => excused || AddressRules.IsAllowed(a, allowedHosts)).ToArray();
        if (usable.Length == 0)
        {
            throw Refused(
                $"'{host}' leads to {string.Join(", ", addresses.Take(3).Select(a => a.ToString()))}, which is not an address of the public internet. "
                + "Upload the file to the object store, or have the operator allow the host (--input-host).");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(usable, target.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        try
        {
            return await resolve(host, cancellation);
        }
        catch (SocketException e)
        {
            throw WorkerFailedException.Of(
                FailCategory.Input, FailReasons.InputUnreachable, $"The host '{host}' of the input's URL is not found: {e.Message}. Check its spelling.",
                retryable: e.SocketErrorCode == SocketError.TryAgain, e);
        }
    }

    static Uri Checked(string uri, string shown)
    {
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https") || parsed.Host.Length == 0)
            throw Refused($"'{Short(shown)}' leads to something that is not http:// or https://.");
        return parsed.UserInfo.Length == 0
            ? parsed
            : throw Refused("The input's URL holds a user name or password, which would end up in logs. Use a URL with a signature instead.");
    }

    static string Short(string text) => text.Length > 200 ? text[..200] + "…" : text;

    static WorkerFailedException Refused(string message) =>
        WorkerFailedException.Of(FailCategory.UserError, FailReasons.InputNotAllowed, message, retryable: false);

    static T? Inner<T>(Exception? e)
        where T : Exception
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is T found)
                return found;
        }

        return null;
    }
}
