using System.Globalization;
using System.Text.Json;
using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Framelease.Operator.Metrics;

namespace Framelease.Operator.Api;

/// <summary>
/// <c>/api/v1/events</c>: the log as server-sent events, resumable by sequence number (<c>Last-Event-ID</c>, or <c>?after=</c>). Every
/// caller reads at its own pace from the log, one page ahead at most; who takes nothing for 30 s is cut off and may resume. A stream that
/// we end says why: event <c>end</c>.
/// </summary>
sealed class EventStreamEndpoint(IEventStore store, Authorizer authorizer, EventStreamOptions options, TimeProvider time,
    CancellationToken stopping)
{
    /// <summary>Written to the connection at once at most.</summary>
    const int MostUnflushed = 32 * 1024;

    const int MostTypes = 50;

    int _streams;

    public void Map(ApiRoutes api) => api.Stream(
        "/api/v1/events", "The log as server-sent events; the header Last-Event-ID resumes", AnswerAsync,
        new QueryParameter("after", "Begin after this number of the log; 0 is the beginning. Default: its present end", "integer"),
        new QueryParameter("stream", "Only streams whose key begins so, such as lease-"),
        new QueryParameter("type", "Only events of these names, separated by commas"));

    async Task AnswerAsync(HttpContext context, CancellationToken aborted)
    {
        await AuthorizeAsync(context, aborted);
        var filter = Filter(context);
        var after = After(context) ?? await LedgerErrors.Map(() => store.LatestSequenceAsync(aborted));
        if (Interlocked.Increment(ref _streams) > options.MostStreams)
        {
            Interlocked.Decrement(ref _streams);
            throw new HttpProblem(429, "TooManyRequests",
                $"{options.MostStreams} event streams are open on this replica already; close one");
        }

        PlatformMetrics.EventStreams(1);
        try
        {
            await StreamAsync(context, after, filter, aborted);
        }
        finally
        {
            PlatformMetrics.EventStreams(-1);
            Interlocked.Decrement(ref _streams);
        }
    }

    async Task StreamAsync(HttpContext context, long after, EventFilter filter, CancellationToken aborted)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        // proxies must not collect what is to arrive at once
        response.Headers["X-Accel-Buffering"] = "no";
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(aborted, stopping);
        var writer = new SseWriter(context, options.WriteTimeout, time);
        await writer.CommentAsync($"after {after.ToString(CultureInfo.InvariantCulture)}", aborted);
        var events = store.SubscribeAsync(after, filter, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = Task.FromResult(false);
        var authorizedAt = time.GetTimestamp();
        try
        {
            while (true)
            {
                next = events.MoveNextAsync().AsTask();
                while (!next.IsCompleted)
                {
                    await writer.FlushAsync(aborted);
                    if (await Task.WhenAny(next, Task.Delay(options.Heartbeat, time, stop.Token)) == next)
                        break;
                    stop.Token.ThrowIfCancellationRequested();
                    await writer.CommentAsync("alive", aborted);
                    await ReauthorizeAsync();
                }

                if (!await next)
                    return;
                await ReauthorizeAsync();
                Write(writer, events.Current);
                if (writer.Unflushed > MostUnflushed)
                    await writer.FlushAsync(aborted);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !aborted.IsCancellationRequested)
        {
            await writer.EndAsync("Stopping", "this replica stops; connect again and resume", aborted);
        }
        catch (HttpProblem e)
        {
            await writer.EndAsync(e.Reason, e.Message, aborted);
        }
        finally
        {
            await stop.CancelAsync();
            await next.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
            await events.DisposeAsync();
        }

        // A right that is taken away, or a token that runs out, ends the stream soon.
        async Task ReauthorizeAsync()
        {
            if (time.GetElapsedTime(authorizedAt) < options.Heartbeat)
                return;
            await AuthorizeAsync(context, aborted);
            authorizedAt = time.GetTimestamp();
        }
    }

    static void Write(SseWriter writer, EventEnvelope e) => writer.Event(
        e.Sequence.ToString(CultureInfo.InvariantCulture), e.TypeName,
            JsonSerializer.SerializeToUtf8Bytes(PostgresLedger.Item(e), ApiJson.Default.HistoryItem));

    // The log tells of every namespace: whoever may watch both kinds everywhere may follow it.
    async Task AuthorizeAsync(HttpContext context, CancellationToken cancel)
    {
        await authorizer.RequireAsync(context, "watch", "gpuleases", null, null, cancel);
        await authorizer.RequireAsync(context, "watch", "videotasks", null, null, cancel);
    }

    static long? After(HttpContext context)
    {
        var text = context.Request.Headers["Last-Event-ID"].FirstOrDefault() ?? ApiQuery.Text(context, "after");
        if (string.IsNullOrEmpty(text))
            return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var after)
            ? after
            : throw new HttpProblem(400, "Invalid",
                $"Last-Event-ID or after: \"{text}\" is no sequence number of the log; allowed is 0 or more");
    }

    static EventFilter Filter(HttpContext context)
    {
        string[] types = [.. context.Request.Query["type"].OfType<string>().SelectMany(t => t.Split(',')).Where(t => t.Length > 0)];
        if (types.Length > MostTypes || types.Any(t => t.Length > 64))
            throw new HttpProblem(400, "Invalid", $"type: at most {MostTypes} names of at most 64 characters");
        return new EventFilter(ApiQuery.Text(context, "stream"), types.Length == 0 ? null : types);
    }
}

/// <summary>Bounds of event streams.</summary>
sealed record EventStreamOptions
{
    /// <summary>Streams at once on a replica; each reads the log for itself. Default 32.</summary>
    public int MostStreams { get; init; } = 32;

    /// <summary>
    /// After how long without an event a comment is sent, so that proxies keep the connection, and the right is checked again. Default 15
    /// s.
    /// </summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a caller may take nothing before it is cut off. Default 30 s.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
