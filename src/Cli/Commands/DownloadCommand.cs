using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Tasks;
using Framelease.Cli.Terminal;
using Framelease.ObjectStorage;
using Framelease.ObjectStorage.Directories;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease download TASK</c>: the outputs of a task, whole and verified, or nothing; also when its object is gone.</summary>
static class DownloadCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var task = new Argument<string>("task") { Description = "Name of a VideoTask, or its uid when it is gone" };
        var directory = new Option<string>("--directory", "-d") { Description = "Where to", HelpName = "DIR", DefaultValueFactory = _ => "." };
        var force = new Option<bool>("--force", "-f") { Description = "Overwrite files that are there" };
        var command = new Command("download", "Fetch the outputs of a task, verified by their digests") { task, directory, force };
        command.SetAction(async (parsed, ct) =>
        {
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var name = TaskName.Of(parsed.GetRequiredValue(task));
            var answer = await (await cluster.OperatorAsync(ct)).FindAsync(
                $"/api/v1/tasks/{Uri.EscapeDataString(name)}?namespace={Uri.EscapeDataString(cluster.Namespace)}", ct)
                ?? throw new CliException($"the event log knows no task \"{name}\" in namespace {cluster.Namespace}");
            var files = Files((string?)answer["name"] ?? name, answer["status"] as JsonObject ?? []);
            if (files.Count == 0)
                throw new CliException($"task {name} has no output: it is {(string?)answer["status"]?["phase"] ?? "unknown"}");
            var to = Directory.CreateDirectory(parsed.GetRequiredValue(directory)).FullName;
            // Before anything is fetched.
            if (!parsed.GetValue(force) && files.Find(f => File.Exists(Path.Combine(to, f.Name))) is { Name: not null } there)
                throw new CliException($"{Path.Combine(to, there.Name)} exists; choose another --directory, or pass --force");
            var store = new DirectoryObjectStore(await PlatformAddresses.FindObjectStoreAsync(cluster.Client, ct), null!, shell.Time, shell.NewId);
            foreach (var (file, output) in files)
            {
                await FetchAsync(store, output, Path.Combine(to, file), ct);
                shell.Console.Out.WriteLine(globals.Json(parsed)
                    ? new JsonObject { ["file"] = Path.Combine(to, file), ["bytes"] = output.Bytes, ["sha256"] = output.Sha256 }.ToJsonString()
                    : $"{Path.Combine(to, file)}: {Format.Bytes(output.Bytes)}, sha256 {output.Sha256}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Named after the task, and the scene where there are several.</summary>
    internal static List<(string Name, TaskOutput Output)> Files(string task, JsonObject status)
    {
        if (TaskOutput.Of(status["output"] as JsonObject) is { Key: not null } one)
            return [(task + Path.GetExtension(one.Key), one)];
        return [.. (status["scenes"] as JsonArray ?? []).OfType<JsonObject>()
            .Select(s => (Index: (int?)s["index"] ?? 0, Output: TaskOutput.Of(s["output"] as JsonObject))).Where(s => s.Output?.Key is not null)
            .Select(s => ($"{task}-{s.Index}{Path.GetExtension(s.Output!.Key)}", s.Output))];
    }

    // Beside its place first, so that what is there is whole.
    static async Task FetchAsync(DirectoryObjectStore store, TaskOutput output, string file, CancellationToken ct)
    {
        var part = file + ".part";
        try
        {
            await using (var content = await store.GetAsync(output.Key!, null, ct))
            await using (var to = new FileStream(part, FileMode.Create, FileAccess.ReadWrite))
            {
                await content.Stream.CopyToAsync(to, ct);
                to.Position = 0;
                var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(to, ct));
                if (output.Sha256 is { } expected && sha256 != expected)
                    throw new CliException($"{output.Key}: the store holds other bytes (sha256 {sha256}) than the task made ({expected})");
            }

            File.Move(part, file, overwrite: true);
        }
        catch (ObjectStoreException error)
        {
            throw new CliException(error.Message, ExitCodes.Failed, error);
        }
        finally
        {
            File.Delete(part);
        }
    }
}
