using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Spectre.Console;

namespace Framelease.Cli.Events;

/// <summary><c>framelease events rebuild</c>: makes a view anew from the log, beside the running one, and swaps or compares.</summary>
static class RebuildViews
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var names = Projections.All.Inline.Concat(Projections.All.Asynchronous).Select(p => p.Name).Order(StringComparer.Ordinal).ToList();
        var views = new Argument<string[]>("view")
        {
            Description = $"Which views: {string.Join(", ", names)}. Default: all of them",
            Arity = ArgumentArity.ZeroOrMore
        };
        var compare = new Option<bool>("--compare") { Description = "Only compare with the running view; exit code 1 when they differ" };
        var command = new Command("rebuild", "Make views anew from the log beside the running ones, then put them in their "
            + "place") { views, compare };
        command.SetAction(async (parsed, ct) =>
        {
            var asked = parsed.GetValue(views) is { Length: > 0 } given ? given : [.. names];
            if (asked.FirstOrDefault(v => !names.Contains(v)) is { } unknown)
                throw CliException.Usage($"there is no view '{unknown}'; there are {string.Join(", ", names)}");
            await using var store = EventLog.Open(parsed, shell);
            var rebuild = new ProjectionRebuild(store);
            var mode = parsed.GetValue(compare) ? RebuildMode.Compare : RebuildMode.Swap;
            var equal = true;
            foreach (var view in asked)
            {
                var result = shell.Console.IsTerminal && !globals.Json(parsed)
                    ? await WithBarAsync(view, told => rebuild.RunAsync(view, mode, told, ct))
                    : await rebuild.RunAsync(view, mode, null, ct);
                equal &= result.IsEqual;
                if (globals.Json(parsed))
                    shell.Console.Out.WriteLine(Json(result).ToJsonString());
                else
                    Write(result, shell);
            }

            return equal ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    static async Task<RebuildResult> WithBarAsync(string view, Func<IProgress<RebuildProgress>, Task<RebuildResult>> work)
    {
        RebuildResult? result = null;
        await AnsiConsole.Progress().HideCompleted(true).StartAsync(async context =>
        {
            var bar = context.AddTask(view);
            result = await work(new Told(p => (bar.MaxValue, bar.Value) = (Math.Max(1, p.Target), p.Position)));
        });
        return result!;
    }

    static void Write(RebuildResult r, Shell shell)
    {
        var what = string.Create(CultureInfo.InvariantCulture,
            $"{r.Projection}: {r.Events} events up to {r.Position} in {r.Elapsed.TotalSeconds:0.0} s");
        if (r.Mode is RebuildMode.Swap)
        {
            shell.Console.Out.WriteLine($"{what}: in place");
            return;
        }

        shell.Console.Out.WriteLine($"{what}: {(r.IsEqual ? "equal to the running view" : "DIFFERENT from the running view")}");
        foreach (var t in r.Comparisons.Where(t => !t.IsEqual))
        {
            shell.Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  {t.Table}: {t.RunningRows} rows run, {t.RebuiltRows} were rebuilt"));
            foreach (var row in t.Differences)
                shell.Console.Out.WriteLine("    " + row);
        }
    }

    static JsonObject Json(RebuildResult r) => new()
    {
        ["view"] = r.Projection,
        ["version"] = r.Version,
        ["mode"] = r.Mode.ToString(),
        ["position"] = r.Position,
        ["events"] = r.Events,
        ["seconds"] = r.Elapsed.TotalSeconds,
        ["equal"] = r.IsEqual,
        ["tables"] = new JsonArray([.. r.Comparisons.Select(t => new JsonObject
        {
            ["table"] = t.Table,
            ["running"] = t.RunningRows,
            ["rebuilt"] = t.RebuiltRows,
            ["differences"] = new JsonArray([.. t.Differences.Select(d => (JsonNode)d)]),
        })]),
    };

    sealed class Told(Action<RebuildProgress> told) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => told(value);
    }
}
