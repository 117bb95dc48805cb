using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.History;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease history</c>: every decision about a task, a lease or a device, from the event log, long after the objects are gone.</summary>
static class HistoryCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var subject = new Argument<string?>("subject")
        {
            Description = "A VideoTask or GpuLease by name (kind/NAME if both exist), or the uid of one that is gone",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var device = new Option<string?>("--device") { Description = "History of a device, by id, instead", HelpName = "ID" };
        var command = new Command("history", "What was decided about a task, a lease or a device: every event, with time, device and token") { subject, device };
        command.SetAction(async (parsed, ct) =>
        {
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var path = await PathAsync(cluster, parsed.GetValue(subject), parsed.GetValue(device), ct);
            var api = await cluster.OperatorAsync(ct);
            var answer = await api.FindAsync(path, ct) ?? throw new CliException($"the event log holds nothing about {parsed.GetValue(subject) ?? parsed.GetValue(device)}");
            if (globals.Json(parsed))
                shell.Console.Out.WriteLine(answer.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            else
                HistoryTable.Write(HistoryItem.FromAnswer(answer), shell.Console);
            return ExitCodes.Ok;
        });
        return command;
    }

    static async Task<string> PathAsync(Cluster cluster, string? subject, string? device, CancellationToken ct)
    {
        if (device is not null)
            return subject is null ? $"/api/v1/devices/{Uri.EscapeDataString(device)}/history" : throw CliException.Usage("name a task or lease, or --device, not both");
        if (subject is null)
            throw CliException.Usage("name a task or a lease, or pass --device ID");
        if (Guid.TryParse(subject, out _))
            return await ByUidAsync(cluster, subject, ct);
        var (kind, name) = subject.Split('/', 2) is [var k, var n] ? (k.ToLowerInvariant(), n) : (null, subject);
        if (kind is not null && !IsTask(kind) && !IsLease(kind))
            throw CliException.Usage($"{kind}: history is kept of videotasks and gpuleases (and of devices: --device)");
        if (kind is null || IsTask(kind))
        {
            if (await FindAsync<VideoTask>(cluster, name, ct) is { } uid)
                return TaskPath(uid);
        }

        if (kind is null || IsLease(kind))
        {
            if (await FindAsync<GpuLease>(cluster, name, ct) is { } uid)
                return LeasePath(uid);
        }

        throw new CliException(
            $"{subject}: no such {(kind is null ? "VideoTask or GpuLease" : IsTask(kind) ? "VideoTask" : "GpuLease")} in namespace {cluster.Namespace}; of one that is gone, pass the uid");
    }

    // The uid says nothing about its kind; the log knows.
    static async Task<string> ByUidAsync(Cluster cluster, string uid, CancellationToken ct)
    {
        var api = await cluster.OperatorAsync(ct);
        return await api.FindAsync(TaskPath(uid), ct) is { } found && found["items"] is JsonArray { Count: > 0 } ? TaskPath(uid) : LeasePath(uid);
    }

    static async Task<string?> FindAsync<T>(Cluster cluster, string name, CancellationToken ct) =>
        (string?)(await cluster.Client.FindAsync(ResourceRef.Of<T>(), name, cluster.Namespace, ct))?["metadata"]?["uid"];

    public static string TaskPath(string uid) => $"/api/v1/tasks/{uid}/events";

    public static string LeasePath(string uid) => $"/api/v1/leases/{uid}/history";

    static bool IsTask(string kind) => kind is "vt" or "videotask" or "videotasks" or "task" or "tasks";

    static bool IsLease(string kind) => kind is "gl" or "gpulease" or "gpuleases" or "lease" or "leases";
}
