// HTTP to the API server: pooled connections, HTTP/2 where the server offers it, keep-alive that notices dead peers.
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Framelease.Kubernetes.Client;

static class Transport
{
    public static HttpClient Create(KubernetesClientOptions options, TlsFiles tls)
    {
        var handler = new SocketsHttpHandler
        {
            AutomaticDecompression = DecompressionMethods.GZip,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = options.Proxy is not null,
            Proxy = options.Proxy is null ? null : new WebProxy(options.Proxy),
            ConnectTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            ConnectCallback = ConnectAsync,
            SslOptions = TlsOptions(options, tls),
        };
        var server = options.Server.AbsoluteUri;
        var http = new HttpClient(handler)
        {
            BaseAddress = new Uri(server.EndsWith('/') ? server : server + "/"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Timeout = Timeout.InfiniteTimeSpan, // each request has its own, by the injected clock
            DefaultRequestHeaders = { { "User-Agent", options.UserAgent } },
        };
        if (options.Impersonate is { } other)
            Impersonate(http.DefaultRequestHeaders, other);
        return http;
    }

    static void Impersonate(HttpRequestHeaders headers, Impersonation other)
    {
        headers.Add("Impersonate-User", other.User);
        if (other.Uid is { } uid)
            headers.Add("Impersonate-Uid", uid);
        if (other.Group is { } group)
            headers.Add("Impersonate-Group", group);
        foreach (var (key, value) in other.Extra ?? new Dictionary<string, string>())
            headers.Add($"Impersonate-Extra-{Uri.EscapeDataString(key)}", value); // keys hold characters that headers may not, as '/'
    }

    /// <summary>TCP keep-alive finds a dead peer under a silent HTTP/1.1 watch, where there are no pings.</summary>
    static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 30);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 10);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
            await socket.ConnectAsync(context.DnsEndPoint, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static SslClientAuthenticationOptions TlsOptions(KubernetesClientOptions options, TlsFiles files)
    {
        var tls = new SslClientAuthenticationOptions { ClientCertificateContext = files.ClientCertificate() };
        if (options.TlsServerName is { } name)
            tls.TargetHost = name;
        if (options.InsecureSkipTlsVerify)
        {
#pragma warning disable MA0039 // the user asked for it in the kubeconfig
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore MA0039
        }
        else if (files.CertificateAuthorities() is { } roots)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck, // cluster authorities publish no revocation lists
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
        }

        return tls;
    }
}
