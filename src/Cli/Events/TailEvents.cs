using System.CommandLine;
using Framelease.Cli.Connecting;
using Framelease.EventStore;

namespace Framelease.Cli.Events;

/// <summary><c>framelease events tail</c>: the end of the log, and every event as it is committed, until Ctrl-C.</summary>
static class TailEvents
{
    const int LookBack = 2000;

    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var last = new Option<int>("--last")
        {
            Description = "How many past events to begin with, 0 to 10000", HelpName = "N",
            DefaultValueFactory = _ => 10
        };
        var after = new Option<long?>("--after")
        {
            Description = "Begin after this number of the log instead; 0 is the beginning",
            HelpName = "SEQUENCE"
        };
        var stream = new Option<string?>("--stream")
        {
            Description = "Only streams whose key begins so, such as lease-",
            HelpName = "PREFIX"
        };
        var types = new Option<string[]>("--type")
        {
            Description = "Only events of this name, such as lease_granted; may be repeated",
            HelpName = "NAME"
        };
        var noFollow = new Option<bool>("--no-follow") { Description = "End at the end of the log" };
        var command = new Command("tail", "The newest events, and each new one as it is committed; Ctrl-C ends it") { last, after,
            stream, types, noFollow };
        command.SetAction(async (parsed, ct) =>
        {
            if (parsed.GetValue(last) is var count && count is < 0 or > 10_000)
                throw CliException.Usage($"--last {count}: must be 0 to 10000");
            if (parsed.GetValue(after) is < 0)
                throw CliException.Usage("--after must be 0 or more");
            var filter = new EventFilter(parsed.GetValue(stream), parsed.GetValue(types) is { Length: > 0 } names ? names : null);
            await using var store = EventLog.Open(parsed, shell);
            void Print(EventEnvelope e) =>
                shell.Console.Out.WriteLine(globals.Json(parsed) ? EventPrinter.ToJson(e).ToJsonString()
                    : EventPrinter.ToLine(e, shell.Console));

            var position = parsed.GetValue(after) ?? await PrintLastAsync(store, filter, count, Print, ct);
            if (parsed.GetValue(noFollow))
            {
                if (parsed.GetValue(after) is not null)
                    await PrintPagesAsync(store, filter, position, Print, ct);
                return ExitCodes.Ok;
            }

            try
            {
                await foreach (var e in store.SubscribeAsync(position, filter, ct))
                {
                    Print(e);
                    await shell.Console.Out.FlushAsync(ct);
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                // Ctrl-C is the way to end it
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <returns>Where to go on.</returns>
    static async Task<long> PrintLastAsync(
        PostgresEventStore store, EventFilter filter, int count, Action<EventEnvelope> print, CancellationToken ct)
    {
        var end = await store.LatestSequenceAsync(ct);
        if (count == 0)
            return end;
        // Backwards in ever larger steps, until enough events pass the filter or the beginning is reached.
        for (long step = LookBack; ; step *= 4)
        {
            var newest = new Queue<EventEnvelope>();
            var position = Math.Max(0, end - step);
            var fromBeginning = position == 0;
            while (position < end)
            {
                var page = await store.ReadAllAsync(position, LookBack, filter, ct);
                foreach (var e in page.Events.Where(e => e.Sequence <= end))
                {
                    newest.Enqueue(e);
                    if (newest.Count > count)
                        newest.Dequeue();
                }

                position = page.Position;
            }

            if (newest.Count < count && !fromBeginning)
                continue;
            foreach (var e in newest)
                print(e);
            return end;
        }
    }

    static async Task PrintPagesAsync(
        PostgresEventStore store, EventFilter filter, long position, Action<EventEnvelope> print, CancellationToken ct)
    {
        while (true)
        {
            var page = await store.ReadAllAsync(position, LookBack, filter, ct);
            foreach (var e in page.Events)
                print(e);
            position = page.Position;
            if (!page.HasMore)
                return;
        }
    }
}
