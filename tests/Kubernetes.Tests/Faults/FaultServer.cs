using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Framelease.Kubernetes.Tests.Faults;

/// <summary>
/// A server on a raw socket: each initial request and each resumed watch takes the next entry of its script; after the scripts, and where
/// there is none, it answers well. Without <paramref name="streams"/> it refuses streaming lists, as servers before 1.27 do.
/// </summary>
sealed class FaultServer : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly List<Task> _connections = [];
    readonly bool _streams;
    readonly Task _accepting;
    int _requests;

    public FaultServer(bool streams)
    {
        _streams = streams;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Collection Collection { get; } = new();

    /// <summary>For requests that want everything, lists or streams.</summary>
    public Queue<Func<Exchange, Task>> Initial { get; } = [];

    /// <summary>For watches that go on from a version.</summary>
    public Queue<Func<Exchange, Task>> Watches { get; } = [];

    /// <summary>What connections speak before HTTP; null is an end of it. TLS is spoken only where this says so.</summary>
    public Queue<Func<Socket, Task<Stream?>>> Connections { get; } = [];

    /// <summary>Used by every connection after <see cref="Connections"/>. Null: no TLS.</summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>Instead of the scripts, for ever.</summary>
    public Func<Exchange, Task>? Always { get; set; }

    public int Requests => Volatile.Read(ref _requests);

    public Uri Address => new($"{(Certificate is null ? "http" : "https")}://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    public static async Task<Stream?> TlsAsync(Socket socket, X509Certificate2 certificate)
    {
        var tls = new SslStream(new NetworkStream(socket));
        await tls.AuthenticateAsServerAsync(certificate);
        return tls;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(Task.Run(ServeAsync(await _listener.AcceptSocketAsync(_stop.Token))));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // the end
        }
    }

    Func<Task> ServeAsync(Socket socket) => async () =>
    {
        try
        {
            using var _ = socket;
            var stream = Connections.TryDequeue(out var first)
                ? await first(socket)
                : Certificate is null ? new NetworkStream(socket) : await TlsAsync(socket, Certificate);
            if (stream is null)
                return;
            await using var owned = stream;
            var exchange = new Exchange(socket, stream, Collection, _stop.Token);
            if (!await exchange.ReadRequestAsync())
                return;
            Interlocked.Increment(ref _requests);
            await AnswerAsync(exchange);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error
            is IOException or SocketException or OperationCanceledException or ObjectDisposedException or AuthenticationException)
        {
            // the client went away, or the script closed the socket
        }
    };

    Task AnswerAsync(Exchange exchange)
    {
        if (Always is not null)
            return Always(exchange);
        if (exchange.IsStream && !_streams)
            return exchange.FailAsync(422);
        return (exchange.IsInitial ? Initial : Watches).TryDequeue(out var scripted) ? scripted(exchange) : exchange.ServeAsync();
    }
}
