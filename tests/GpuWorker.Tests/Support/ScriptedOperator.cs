using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Framelease.WorkerProtocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Framelease.GpuWorker.Tests.Support;

/// <summary>
/// An operator with its object store, over real HTTP on a free port, that does what the test says. <see cref="Before"/> sees every request first; when it
/// answers true, it has dealt with it.
/// </summary>
sealed class ScriptedOperator : IAsyncDisposable
{
    public const string Credential = "fla1.test";
    readonly WebApplication _app;

    ScriptedOperator(WebApplication app) => _app = app;

    /// <summary>Path of the request, how often that path was asked for (from 1), and its context.</summary>
    public Func<string, int, HttpContext, Task<bool>> Before { get; set; } = (_, _, _) => Task.FromResult(false);

    public Func<BeatRequest, BeatReply> Reply { get; set; } = _ => new BeatReply(WorkerCommand.Continue, 300, 0, null);

    public Func<Assignment, Assignment> Change { get; set; } = a => a;

    public string? ObjectFile { get; set; }

    public ConcurrentQueue<string> Requests { get; } = new();

    public ConcurrentQueue<AttachRequest> Attaches { get; } = new();

    public ConcurrentQueue<BeatRequest> Beats { get; } = new();

    public ConcurrentQueue<CompleteRequest> Completes { get; } = new();

    public ConcurrentQueue<FailRequest> Fails { get; } = new();

    public ConcurrentQueue<string?> Credentials { get; } = new();

    /// <summary>What was put, by key.</summary>
    public ConcurrentDictionary<string, byte[]> Objects { get; } = new();

    public Uri Url => new(_app.Urls.Single());

    public static async Task<ScriptedOperator> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(o =>
        {
            o.Limits.MaxRequestBodySize = null;
            o.Listen(System.Net.IPAddress.Loopback, 0);
        });
        var app = builder.Build();
        var scripted = new ScriptedOperator(app);
        app.Run(scripted.HandleAsync);
        await app.StartAsync();
        return scripted;
    }

    public Assignment Assignment(string podUid) => Change(new Assignment
    {
        Attempt = new AttemptRef("task-1", 0, 1, podUid, "lease-1", 7),
        Credential = Credential,
        Device = new LeasedDevice("soft-0", 0, "software slot", "Software", 0),
        Engine = new EngineCall("ffmpeg-transcode", "FfmpegTranscode", new Dictionary<string, string> { ["height"] = "90", ["preset"] = "ultrafast" }),
        Input = new InputSource($"{Url}objects/in", "object inputs/clip.mp4", Presigned: true, [], [], 1L << 30),
        Output = new OutputTarget("staging/out.mp4", $"{Url}objects/staging/out.mp4?s=1", "video/mp4", 1L << 30),
        Limits = new Limits(0, 0, 0),
        HeartbeatIntervalSeconds = 60,
        HeartbeatTimeoutSeconds = 300,
        ProgressIntervalSeconds = 1,
        DrainGraceSeconds = 5,
    });

    public static async Task<bool> Problem(HttpContext context, int status, string reason, string detail = "scripted")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/problem+json";
        await JsonSerializer.SerializeAsync(context.Response.Body, new Problem(null, reason, status, detail, reason), ProtocolJson.Default.Problem);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1), TimeProvider.System);
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }

    async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Requests.Enqueue($"{context.Request.Method} {path}");
        if (await Before(path, Requests.Count(r => r.EndsWith(path, StringComparison.Ordinal)), context))
            return;
        switch (path)
        {
            case "/worker/v1/attach":
                var attach = await ReadAsync(context, ProtocolJson.Default.AttachRequest);
                Attaches.Enqueue(attach);
                await WriteAsync(context, Assignment(attach.PodUid), ProtocolJson.Default.Assignment);
                break;
            case "/worker/v1/beat":
                var beat = await ReadAsync(context, ProtocolJson.Default.BeatRequest);
                Beats.Enqueue(beat);
                await WriteAsync(context, Reply(beat), ProtocolJson.Default.BeatReply);
                break;
            case "/worker/v1/complete":
                await CompleteAsync(context);
                break;
            case "/worker/v1/fail":
                Fails.Enqueue(await ReadAsync(context, ProtocolJson.Default.FailRequest));
                await WriteAsync(context, new FailReply(true), ProtocolJson.Default.FailReply);
                break;
            case "/objects/in" when ObjectFile is not null:
                await context.Response.SendFileAsync(ObjectFile);
                break;
            default:
                if (context.Request.Method == "PUT")
                    await PutAsync(context, path["/objects/".Length..]);
                else
                    context.Response.StatusCode = 404;
                break;
        }
    }

    public async Task CompleteAsync(HttpContext context)
    {
        var complete = await ReadAsync(context, ProtocolJson.Default.CompleteRequest);
        Completes.Enqueue(complete);
        var stored = Objects.GetValueOrDefault(complete.Key);
        if (stored is null)
            await Problem(context, 409, "OutputMissing");
        else if (Convert.ToHexStringLower(SHA256.HashData(stored)) != complete.Sha256 || stored.Length != complete.Bytes)
            await Problem(context, 409, "OutputDiffers");
        else
            await WriteAsync(context, new CompleteReply($"file:///store/{complete.Key}"), ProtocolJson.Default.CompleteReply);
    }

    public async Task PutAsync(HttpContext context, string key)
    {
        context.Request.Headers.IfNoneMatch.ToString().ShouldBe("*");
        if (Objects.ContainsKey(key))
        {
            await Problem(context, 412, "PreconditionFailed");
            return;
        }

        var memory = new MemoryStream();
        await context.Request.Body.CopyToAsync(memory);
        Objects[key] = memory.ToArray();
    }

    async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
    {
        Credentials.Enqueue(context.Request.Headers.Authorization);
        return (await JsonSerializer.DeserializeAsync(context.Request.Body, type))!;
    }

    static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, value, type);
    }
}
