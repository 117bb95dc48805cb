using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Terminal;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease tasks</c> and <c>framelease engines</c>: what was made, also when the objects are gone, and what can be.</summary>
static class ListCommands
{
    /// <summary>Of the operator's lists.</summary>
    const int MostOfAPage = 500;

    public static Command Tasks(GlobalOptions globals, Shell shell)
    {
        var all = new Option<bool>("--all-namespaces", "-A") { Description = "Of all namespaces" };
        var filters = new[]
        {
            Text("--phase", "PHASE", "Only in this phase: Suspended, Queued, Running, Succeeded or Failed"), Text("--engine", "NAME", "Only of this engine"),
            Text("--tenant", "NAME", "Only of this tenant"), Text("--since", "TIME", "Accepted then or later, as 2026-01-31T14:02:00Z"),
            Text("--until", "TIME", "Accepted before"),
        };
        var most = new Option<int>("--limit") { Description = "So many at most", HelpName = "N", DefaultValueFactory = _ => 50 };
        most.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() is < 1 or > 100_000)
                r.AddError($"--limit is {r.GetValueOrDefault<int>()}; allowed is 1 to 100000");
        });
        var command = new Command("tasks", "List tasks, latest accepted first, also those whose objects are gone") { all, most };
        foreach (var filter in filters)
            command.Add(filter);
        command.SetAction(async (parsed, ct) =>
        {
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var query = filters.Select(f => (f.Name[2..], Value: parsed.GetValue(f))).Append(("namespace", parsed.GetValue(all) ? null : cluster.Namespace))
                .Where(f => f.Item2 is not null).Select(f => $"{f.Item1}={Uri.EscapeDataString(f.Item2!)}");
            var rows = await RowsAsync(await cluster.OperatorAsync(ct), $"/api/v1/tasks?{string.Join('&', query)}", parsed.GetValue(most), ct);
            if (globals.Json(parsed))
                shell.Console.Out.WriteLine(new JsonObject { ["items"] = new JsonArray([.. rows.Select(r => r.DeepClone())]) }.ToJsonString(Indented));
            else
                Write(rows, parsed.GetValue(all), shell);
            return ExitCodes.Ok;
        });
        return command;

        static Option<string?> Text(string name, string help, string description) => new(name) { Description = description, HelpName = help };
    }

    public static Command Engines(GlobalOptions globals, Shell shell)
    {
        var command = new Command("engines", "List what can be made, and with which parameters");
        command.SetAction(async (parsed, ct) =>
        {
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var answer = await (await cluster.OperatorAsync(ct)).FindAsync("/api/v1/engines", ct) ?? [];
            if (globals.Json(parsed))
            {
                shell.Console.Out.WriteLine(answer.ToJsonString(Indented));
                return ExitCodes.Ok;
            }

            var table = new TextTable("ENGINE", "READY", "DEVICE", "PARAMETER", "TYPE", "ALLOWED", "DEFAULT");
            foreach (var engine in Items(answer))
            {
                string[] about = [(string)engine["name"]!, (bool)engine["ready"]! ? "True" : "False", (string)engine["device"]!];
                var parameters = (engine["parameters"] as JsonArray ?? []).OfType<JsonObject>().ToList();
                if (parameters.Count == 0)
                    table.Add([.. about, "-", "-", "-", "-"]);
                foreach (var p in parameters)
                {
                    table.Add([.. about, (string)p["name"]!, (string)p["type"]!, Allowed(p), (string?)p["default"] ?? "-"]);
                    about = ["", "", ""];
                }
            }

            table.Write(shell.Console.Out);
            return ExitCodes.Ok;
        });
        return command;
    }

    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    static async Task<List<JsonObject>> RowsAsync(OperatorApi api, string path, int most, CancellationToken ct)
    {
        var rows = new List<JsonObject>();
        for (string? next = null; rows.Count < most;)
        {
            var limit = Math.Min(MostOfAPage, most - rows.Count).ToString(CultureInfo.InvariantCulture);
            var page = await api.FindAsync($"{path}&limit={limit}{(next is null ? "" : "&continue=" + next)}", ct)
                ?? throw new CliException($"operator {api.Address} is older than this command, and lists no tasks");
            rows.AddRange(Items(page));
            next = (string?)page["continue"];
            if (next is null)
                break;
        }

        return rows;
    }

    static IEnumerable<JsonObject> Items(JsonObject answer) => (answer["items"] as JsonArray ?? []).OfType<JsonObject>();

    static void Write(List<JsonObject> rows, bool namespaces, Shell shell)
    {
        string[] first = namespaces ? ["NAMESPACE"] : [];
        var table = new TextTable([.. first, "NAME", "PHASE", "ENGINE", "SCENES", "ATTEMPTS", "REASON", "AGE", "TOOK", "UID"]);
        var now = shell.Time.GetUtcNow();
        foreach (var row in rows)
        {
            string[] ns = namespaces ? [(string)row["namespace"]!] : [];
            table.Add([
                .. ns, (string)row["name"]!, (string)row["phase"]!, (string?)row["engine"] ?? "-", $"{row["scenesDone"]}/{row["scenes"]}",
                $"{row["attempts"]}", (string?)row["reason"] ?? "-", Format.Age(now - At(row, "createdAt")!.Value),
                At(row, "endedAt") - At(row, "startedAt") is { } took ? Format.Age(took) : "-", (string)row["uid"]!,
            ]);
        }

        table.Write(shell.Console.Out);
    }

    static DateTimeOffset? At(JsonObject row, string field) => (DateTimeOffset?)row[field];

    static string Allowed(JsonObject p)
    {
        if (p["values"] is JsonArray { Count: > 0 } values)
            return string.Join('|', values.Select(v => (string?)v));
        if (p["minimum"] is not null || p["maximum"] is not null)
            return $"{p["minimum"]}..{p["maximum"]}";
        return p["maxLength"] is { } length ? $"{length} characters" : "-";
    }
}
