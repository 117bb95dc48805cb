using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.EventStore;

namespace Framelease.Cli.Events;

/// <summary><c>framelease events verify</c>: is the log sound? Exit code 1 with every finding named.</summary>
static class VerifyEvents
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var command = new Command(
            "verify",
            "Look for what cannot be in a sound log: holes in streams, events that nobody can read, projections beyond its end. Changes "
                + "nothing; exit code 1 on findings");
        command.SetAction(async (parsed, ct) =>
        {
            await using var store = EventLog.Open(parsed, shell);
            var report = await store.VerifyAsync(ct);
            var authority = await AuthorityAsync(store, ct);
            if (globals.Json(parsed))
                shell.Console.Out.WriteLine(Json(report, authority).ToJsonString());
            else
                Write(report, authority, shell);
            return report.Findings.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    /// <returns>Null where the schema is older than the record of the authority; the operator updates it when it starts.</returns>
    static async Task<AuthorityState?> AuthorityAsync(PostgresEventStore store, CancellationToken ct)
    {
        try
        {
            return await store.Authority.ReadAsync(ct);
        }
        catch (EventStoreSchemaException)
        {
            return null;
        }
    }

    static JsonObject Json(LogReport report, AuthorityState? authority) => new()
    {
        ["streams"] = report.Streams,
        ["events"] = report.Events,
        ["lastSequence"] = report.LastSequence,
        ["authority"] = new JsonObject
        {
            ["holds"] = authority?.Holds,
            ["incarnation"] = authority?.Recorded?.Incarnation,
            ["difference"] = authority?.Difference,
        },
        ["findings"] = new JsonArray([.. report.Findings.Select(f => new JsonObject
        {
            ["check"] = f.Check,
            ["stream"] = f.Stream,
            ["version"] = f.Version,
            ["sequence"] = f.Sequence,
            ["problem"] = f.Problem,
            ["mend"] = f.Mend,
        })]),
    };

    static void Write(LogReport report, AuthorityState? authority, Shell shell)
    {
        foreach (var f in report.Findings)
        {
            var place = string.Join(' ', new[]
            {
                f.Stream is null ? null : $"stream {f.Stream}",
                f.Version is null ? null : string.Create(CultureInfo.InvariantCulture, $"version {f.Version}"),
                f.Sequence is null ? null : string.Create(CultureInfo.InvariantCulture, $"number {f.Sequence}"),
            }.OfType<string>());
            shell.Console.Out.WriteLine($"{f.Check}: {(place.Length > 0 ? place + ": " : "")}{f.Problem}");
            shell.Console.Out.WriteLine($"  mend: {f.Mend}");
        }

        if (authority?.Difference is { } difference)
            shell.Console.Out.WriteLine($"This is a copy: {difference}. The operator takes it over when it starts: every slot then waits "
                + "for proof.");
        var counts = string.Create(CultureInfo.InvariantCulture,
            $"{report.Streams} streams, {report.Events} events, last number {report.LastSequence}");
        shell.Console.Out.WriteLine(report.Findings.Count == 0 ? $"sound: {counts}"
            : string.Create(CultureInfo.InvariantCulture, $"{report.Findings.Count} findings; {counts}"));
    }
}
