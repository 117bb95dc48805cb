using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Terminal;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease get KIND [NAME]</c>: the table that the server makes, as kubectl shows it; for machines without kubectl.</summary>
static class GetCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var kind = new Argument<string>("kind") { Description = "Kind, plural or short name, for example vt, gl, pods" };
        var name = new Argument<string?>("name") { Description = "Name of one object", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all-namespaces", "-A") { Description = "Of all namespaces" };
        var command = new Command("get", "Show objects (for machines without kubectl); -o wide shows more columns") { kind, name, all };
        command.SetAction(async (parsed, ct) =>
        {
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var resource = await KindLookup.FindAsync(cluster.Client, parsed.GetRequiredValue(kind), ct);
            var ns = parsed.GetValue(all) ? null : cluster.Namespace;
            if (globals.Json(parsed))
            {
                var path = resource.Path(ns, parsed.GetValue(name));
                shell.Console.Out.WriteLine((await cluster.Client.GetRawAsync(path, ct)).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
                return ExitCodes.Ok;
            }

            var table = await cluster.Client.GetTableAsync(resource, parsed.GetValue(name), ns, ct);
            ObjectTable.Write(table, parsed.GetValue(globals.Output) == "wide", parsed.GetValue(all) && resource.Namespaced, shell);
            return ExitCodes.Ok;
        });
        return command;
    }
}

/// <summary>Prints a meta/v1 Table.</summary>
static class ObjectTable
{
    public static void Write(JsonObject table, bool wide, bool namespaces, Shell shell)
    {
        var columns = (table["columnDefinitions"] as JsonArray ?? []).OfType<JsonObject>()
            .Select((column, index) => (Name: (string?)column["name"] ?? "", Type: (string?)column["type"], Priority: (int?)column["priority"] ?? 0, Index: index))
            .Where(column => wide || column.Priority == 0)
            .ToList();
        var rows = (table["rows"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        if (rows.Count == 0)
        {
            shell.Console.Error.WriteLine("No resources found.");
            return;
        }

        var text = new TextTable([.. namespaces ? ["NAMESPACE"] : Array.Empty<string>(), .. columns.Select(column => column.Name.ToUpperInvariant())]);
        foreach (var row in rows)
        {
            var cells = row["cells"] as JsonArray ?? [];
            text.Add([
                .. namespaces ? [(string?)row["object"]?["metadata"]?["namespace"] ?? ""] : Array.Empty<string>(),
                .. columns.Select(column => Cell(cells.ElementAtOrDefault(column.Index), column.Type, shell.Time)),
            ]);
        }

        text.Write(shell.Console.Out);
    }

    // Servers print ages themselves; of custom columns of type date some send the time.
    static string Cell(JsonNode? cell, string? type, TimeProvider time) => cell switch
    {
        null => "",
        JsonValue value when value.GetValueKind() is JsonValueKind.String => type == "date" && DateTimeOffset.TryParse(
            (string)value!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var then)
                ? Format.Age(time.GetUtcNow() - then)
                : Format.OneLine((string)value!, 400),
        _ => cell.ToJsonString(),
    };
}
