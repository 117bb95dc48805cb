using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Framelease.Kubernetes.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Framelease.Kubernetes.Tests.Support;

/// <summary>A web server in this process that answers as a test says, and remembers what it was asked.</summary>
public sealed class ScriptedServer : IAsyncDisposable
{
    readonly WebApplication _app;

    ScriptedServer(WebApplication app) => _app = app;

    public ConcurrentQueue<string> Requests { get; } = [];

    public Uri Address { get; private set; } = null!;

    public static async Task<ScriptedServer> StartAsync(RequestDelegate handler, X509Certificate2? certificate = null, bool askClient = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is null)
                return;
            listen.UseHttps(certificate, https =>
            {
                https.ClientCertificateMode = askClient ? ClientCertificateMode.RequireCertificate : ClientCertificateMode.NoCertificate;
                https.AllowAnyClientCertificate();
            });
        }));
        var server = new ScriptedServer(builder.Build());
        server._app.Run(async context =>
        {
            server.Requests.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}");
            await handler(context);
        });
        await server._app.StartAsync();
        var url = new Uri(server._app.Urls.Single());
        server.Address = certificate is null ? url : new Uri($"https://localhost:{url.Port}");
        return server;
    }

    public KubernetesClient Connect(Func<KubernetesClientOptions, KubernetesClientOptions>? change = null, TimeProvider? time = null)
    {
        var options = new KubernetesClientOptions { Server = Address };
        return new(change is null ? options : change(options), time ?? TimeProvider.System, new Random(7));
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }
}
