using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.EventStore;

namespace Framelease.Cli.Events;

/// <summary><c>framelease events show</c>: one stream, or one event with everything that it holds.</summary>
static class ShowEvents
{
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var subject = new Argument<string>("subject")
        {
            Description = "A stream, such as lease-UID; one event of it as STREAM@VERSION; "
            + "or an event by its number"
        };
        var command = new Command("show", "One stream, or one event with all that it holds") { subject };
        command.SetAction(async (parsed, ct) =>
        {
            var name = parsed.GetRequiredValue(subject);
            await using var store = EventLog.Open(parsed, shell);
            var found = await OneAsync(store, name, ct);
            if (found is not null)
            {
                shell.Console.Out.WriteLine(EventPrinter.ToJson(found).ToJsonString(Indented));
                return ExitCodes.Ok;
            }

            var stream = await store.FetchStreamStateAsync(name, ct)
                ?? throw new CliException($"the log holds neither a stream nor an event '{name}'; `framelease events tail` shows both "
                + "kinds of names");
            var events = (await store.FetchStreamAsync(name, 1, ct)).Events;
            if (globals.Json(parsed))
            {
                shell.Console.Out.WriteLine(new JsonObject
                {
                    ["stream"] = stream.Stream,
                    ["version"] = stream.Version,
                    ["archived"] = stream.IsArchived,
                    ["items"] = new JsonArray([.. events.Select(EventPrinter.ToJson)]),
                }.ToJsonString(Indented));
                return ExitCodes.Ok;
            }

            foreach (var e in events)
                shell.Console.Out.WriteLine(EventPrinter.ToLine(e, shell.Console));
            if (stream.IsArchived)
                shell.Console.Error.WriteLine($"{name} is archived at version {stream.Version}: its events are kept, but not shown");
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <returns>Null when the subject does not mean one event, or there is none.</returns>
    static async Task<EventEnvelope?> OneAsync(PostgresEventStore store, string subject, CancellationToken ct)
    {
        if (long.TryParse(subject, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence) && sequence > 0)
            return (await store.ReadAllAsync(sequence - 1, 1, null, ct)).Events.FirstOrDefault(e => e.Sequence == sequence);
        if (subject.LastIndexOf('@') is > 0 and var at
            && long.TryParse(subject.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version > 0)
            return (await store.FetchStreamAsync(subject[..at], version, ct)).Events.FirstOrDefault(e => e.Version == version);
        return null;
    }
}
