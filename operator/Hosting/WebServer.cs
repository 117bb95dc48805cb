using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Framelease.Operator.Hosting;

/// <summary>One HTTP listener with the bounds that every one of ours has.</summary>
static class WebServer
{
    /// <summary>Bearer tokens of a cluster are a few KiB; nothing else is long.</summary>
    const int MostHeaderBytes = 32 * 1024;

    public const int MostConnections = 5000;

    static readonly TimeSpan HeadersWithin = TimeSpan.FromSeconds(10);

    /// <summary>Streams are told of the stop and end by themselves; what else is under way gets this long.</summary>
    static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(5);

    /// <summary>Serves until cancelled.</summary>
    /// <param name="listening">Told the address, when the port was 0.</param>
    public static async Task ServeAsync(
        string url, Action<IEndpointRouteBuilder> map, ILoggerFactory loggers, CancellationToken stop, Action<string>? listening = null)
    {
        // The others read settings from the working directory, and watch all that lies below it for changes: there may be a database.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.Services.AddRouting();
        // What is called here waits for nothing but by await: it need not be moved to another thread at every turn.
        builder.Services.Configure<SocketTransportOptions>(o => o.UnsafePreferInlineScheduling = true);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = StopWithin);
        builder.Services.AddResponseCompression(o =>
        {
            // Nothing that an attacker chooses is answered beside a secret.
            o.EnableForHttps = true;
            o.MimeTypes = ["application/json", "application/problem+json", "application/openmetrics-text", "text/plain"];
        });
        builder.Services.Configure<BrotliCompressionProviderOptions>(o => o.Level = CompressionLevel.Fastest);
        builder.Services.Configure<GzipCompressionProviderOptions>(o => o.Level = CompressionLevel.Fastest);
        builder.WebHost.UseKestrelCore().UseUrls(url).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestHeadersTotalSize = MostHeaderBytes;
            kestrel.Limits.RequestHeadersTimeout = HeadersWithin;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
        });
        await using var app = builder.Build();
        app.UseResponseCompression();
        map(app);
        await app.StartAsync(stop);
        listening?.Invoke(app.Urls.First());
        await app.WaitForShutdownAsync(stop);
    }
}
