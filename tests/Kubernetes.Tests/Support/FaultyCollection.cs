using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Framelease.Kubernetes.Tests.Support;

/// <summary>What goes wrong with one watch, after so many of its events.</summary>
public enum Fault
{
    None,
    CleanEnd,
    Reset,
    HalfLine,
    HalfLineThenReset,
    ExpiredEvent,
    InternalErrorEvent,
    NotJson,
    DuplicateEvents,
    Hang,
}

/// <summary>
/// A collection of ConfigMaps with list (paged) and watch, as a server has it, whose answers fail as the script says. Each watch takes the next
/// fault; each list takes the next status code (0: none). After the scripts all is well.
/// </summary>
public sealed class FaultyCollection
{
    readonly Lock _lock = new();
    readonly SortedDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);
    readonly List<(long Version, string Type, JsonObject Object)> _history = [];
    TaskCompletionSource _changed = New();
    long _version = 100;
    long _compactedTo;

    public Queue<(Fault Fault, int AfterEvents)> Watches { get; } = [];

    public Queue<int> ListFailures { get; } = [];

    public Queue<int> WatchFailures { get; } = [];

    public string? RetryAfter { get; set; }

    public int Lists { get; private set; }

    public int WatchesOpened { get; private set; }

    public ImmutableSortedDictionary<string, string> Values
    {
        get
        {
            lock (_lock)
                return _objects.ToImmutableSortedDictionary(o => o.Key, o => (string)o.Value["data"]!["key"]!, StringComparer.Ordinal);
        }
    }

    public void Put(string name, string value) => Change(_objects.ContainsKey(name) ? "MODIFIED" : "ADDED", name, value);

    public void Delete(string name) => Change("DELETED", name, null);

    /// <summary>Watches from before now get 410.</summary>
    public void Compact()
    {
        lock (_lock)
            _compactedTo = _version;
    }

    public async Task HandleAsync(HttpContext context)
    {
        if (context.Request.Query.ContainsKey("sendInitialEvents"))
            await FailAsync(context, 422); // a server without streaming lists; Faults/ has one with them
        else if (context.Request.Query["watch"] == "true")
            await WatchAsync(context, long.Parse(context.Request.Query["resourceVersion"]!));
        else
            await ListAsync(context);
    }

    async Task ListAsync(HttpContext context)
    {
        int failure;
        JsonObject answer;
        lock (_lock)
        {
            Lists++;
            failure = ListFailures.TryDequeue(out var code) ? code : 0;
            var all = _objects.Values.ToArray();
            var from = int.TryParse(context.Request.Query["continue"], out var token) ? token : 0;
            var size = int.TryParse(context.Request.Query["limit"], out var limit) ? limit : int.MaxValue;
            var page = all.Skip(from).Take(size).Select(o => o.DeepClone()).ToArray();
            answer = new JsonObject
            {
                ["kind"] = "ConfigMapList",
                ["metadata"] = new JsonObject
                {
                    ["resourceVersion"] = $"{_version}",
                    ["continue"] = from + page.Length < all.Length ? $"{from + page.Length}" : "",
                },
                ["items"] = new JsonArray(page),
            };
        }

        if (failure == 0)
            await context.Response.WriteAsync(answer.ToJsonString());
        else
            await FailAsync(context, failure);
    }

    async Task WatchAsync(HttpContext context, long from)
    {
        (Fault Fault, int AfterEvents) script;
        int failure;
        lock (_lock)
        {
            WatchesOpened++;
            failure = WatchFailures.TryDequeue(out var code) ? code : from < _compactedTo ? 410 : 0;
            script = failure == 0 && Watches.TryDequeue(out var next) ? next : (Fault.None, 0);
        }

        if (failure != 0)
        {
            await FailAsync(context, failure);
            return;
        }

        await context.Response.StartAsync();
        await context.Response.Body.FlushAsync();
        var sent = 0;
        while (true)
        {
            (long Version, string Type, JsonObject Object)[] due;
            Task changed;
            lock (_lock)
            {
                due = [.. _history.Where(e => e.Version > from)];
                changed = _changed.Task;
            }

            foreach (var (version, type, value) in due)
            {
                if (script.Fault != Fault.None && sent == script.AfterEvents && script.Fault != Fault.DuplicateEvents)
                {
                    await BreakAsync(context, script.Fault);
                    return;
                }

                await SendAsync(context, type, value);
                if (script.Fault == Fault.DuplicateEvents)
                {
                    foreach (var earlier in due.TakeWhile(e => e.Version <= version))
                        await SendAsync(context, earlier.Type, earlier.Object);
                }

                (from, sent) = (version, sent + 1);
            }

            if (due.Length > 0)
                continue;
            if (script.Fault is not (Fault.None or Fault.DuplicateEvents) && sent == script.AfterEvents)
            {
                await BreakAsync(context, script.Fault);
                return;
            }

            await changed.WaitAsync(context.RequestAborted);
        }
    }

    static async Task BreakAsync(HttpContext context, Fault fault)
    {
        switch (fault)
        {
            case Fault.Reset:
                context.Abort();
                break;
            case Fault.HalfLine:
                await WriteAsync(context, """{"type":"ADDED","object":{"metadata":{"na""");
                break;
            case Fault.HalfLineThenReset:
                await WriteAsync(context, """{"type":"ADDED","object":{"metadata":{"na""");
                context.Abort();
                break;
            case Fault.ExpiredEvent:
                await WriteAsync(context, Error(410, "Expired") + "\n");
                break;
            case Fault.InternalErrorEvent:
                await WriteAsync(context, Error(500, "InternalError") + "\n");
                break;
            case Fault.NotJson:
                await WriteAsync(context, "<html>gateway</html>\n");
                break;
            case Fault.Hang:
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
                break;
        }
    }

    static string Error(int code, string reason) =>
        $$"""{"type":"ERROR","object":{{Status(code, reason)}} }""";

    static string Status(int code, string reason) =>
        $$"""{"kind":"Status","apiVersion":"v1","status":"Failure","message":"scripted","reason":"{{reason}}","code":{{code}} }""";

    async Task FailAsync(HttpContext context, int code)
    {
        context.Response.StatusCode = code;
        if (RetryAfter is not null)
            context.Response.Headers.RetryAfter = RetryAfter;
        var reason = code == 410 ? "Expired" : code == 429 ? "TooManyRequests" : "InternalError";
        await context.Response.WriteAsync(Status(code, reason));
    }

    static Task SendAsync(HttpContext context, string type, JsonObject value) =>
        WriteAsync(context, new JsonObject { ["type"] = type, ["object"] = value.DeepClone() }.ToJsonString() + "\n");

    static async Task WriteAsync(HttpContext context, string text)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text));
        await context.Response.Body.FlushAsync();
    }

    void Change(string type, string name, string? value)
    {
        lock (_lock)
        {
            _version++;
            var changed = new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "ConfigMap",
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default", ["resourceVersion"] = $"{_version}" },
                ["data"] = new JsonObject { ["key"] = value ?? "deleted" },
            };
            if (type == "DELETED")
                _objects.Remove(name);
            else
                _objects[name] = changed;
            _history.Add((_version, type, changed));
            _changed.TrySetResult();
            _changed = New();
        }
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
