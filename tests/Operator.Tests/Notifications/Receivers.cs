using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Framelease.Operator.Tests.Notifications;

sealed record ReceivedRequest(IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string Header(string name) => Headers[name];
}

/// <summary>A real HTTP server that keeps what it is sent and answers as told.</summary>
sealed class HttpReceiver(WebApplication app) : IAsyncDisposable
{
    readonly ConcurrentQueue<ReceivedRequest> _requests = new();

    public int Status { get; set; } = 200;

    public Uri Url { get; private set; } = null!;

    public IReadOnlyList<ReceivedRequest> Requests => [.. _requests];

    public static async Task<HttpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new HttpReceiver(builder.Build());
        await receiver.RunAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    async Task RunAsync()
    {
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var headers = context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            _requests.Enqueue(new ReceivedRequest(headers, await reader.ReadToEndAsync()));
            context.Response.StatusCode = Status;
            if (Status is >= 300 and < 400)
                context.Response.Headers.Location = Url + "elsewhere";
        });
        await app.StartAsync();
        Url = new Uri(app.Urls.First());
    }
}

/// <summary>As much of an SMTP server as a client needs: EHLO, MAIL, RCPT, DATA, QUIT; no STARTTLS.</summary>
sealed class SmtpReceiver : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly ConcurrentQueue<string> _mails = new();
    readonly ConcurrentQueue<string> _recipients = new();
    Task _serving = Task.CompletedTask;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public IReadOnlyList<string> Mails => [.. _mails];

    public IReadOnlyList<string> Recipients => [.. _recipients];

    public static SmtpReceiver Start()
    {
        var receiver = new SmtpReceiver();
        receiver._listener.Start();
        receiver._serving = receiver.ServeAsync();
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await TalkAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    async Task TalkAsync(TcpClient client)
    {
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { NewLine = "\r\n", AutoFlush = true };
        await writer.WriteLineAsync("220 test");
        while (await reader.ReadLineAsync() is { } line)
        {
            var verb = line.Split(' ', ':')[0].ToUpperInvariant();
            if (verb == "RCPT")
                _recipients.Enqueue(line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.IndexOf('>', StringComparison.Ordinal)]);
            await writer.WriteLineAsync(verb switch { "DATA" => "354 go on", "QUIT" => "221 bye", _ => "250 ok" });
            if (verb == "DATA")
            {
                var mail = new List<string>();
                while (await reader.ReadLineAsync() is { } part && part != ".")
                    mail.Add(part);
                _mails.Enqueue(string.Join('\n', mail));
                await writer.WriteLineAsync("250 taken");
            }

            if (verb == "QUIT")
                return;
        }
    }
}
