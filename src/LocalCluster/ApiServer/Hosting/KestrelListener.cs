using System.Net;
using System.Security.Cryptography.X509Certificates;
using Framelease.LocalCluster.ApiServer.Handlers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer.Hosting;

/// <summary>Kestrel with TLS and one request delegate: no routing, no middleware, no configuration files.</summary>
sealed class KestrelListener(X509Certificate2 certificate, RequestDelegate handle, TimeProvider time, ILogger log) : IAsyncDisposable
{
    // Every watch of a client shares one HTTP/2 connection.
    const int MaxStreams = 1000;

    // Bodies beyond the limit of the API are refused by the handlers, in words; the rest is read away so that the client sees them.
    const long MaxDrained = 8 * RequestBody.Limit;
    static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(5);

    WebApplication? _app;

    /// <summary>Listens; returns the port, which is the given one unless that is 0.</summary>
    public async Task<int> StartAsync(IPAddress address, int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<ILoggerFactory>(new SharedLogger(log));
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxDrained;
            kestrel.Limits.Http2.MaxStreamsPerConnection = MaxStreams;
            kestrel.Listen(address, port, listen => listen.UseHttps(certificate));
        });
        _app = builder.Build();
        _app.Run(handle);
        await _app.StartAsync();
        var url = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return BindingAddress.Parse(url).Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is null)
            return;
        using var limit = new CancellationTokenSource(StopWithin, time);
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }

    /// <summary>Kestrel's own messages go where ours go, from warnings up.</summary>
    sealed class SharedLogger(ILogger log) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && log.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                log.Log(logLevel, eventId, state, exception, formatter);
        }

        public void Dispose()
        {
        }
    }
}
