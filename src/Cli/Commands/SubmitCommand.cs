using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Manifests;
using Framelease.Cli.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease submit</c>: one task from a manifest or from flags; with <c>--watch</c> it stays until the task has ended.</summary>
static class SubmitCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var file = new Argument<string?>("file") { Description = "Manifest of VideoTasks, or - for standard input", Arity = ArgumentArity.ZeroOrOne };
        var input = new Option<string?>("--input", "-i")
        {
            Description = "Key in the object store, file:// or http(s):// URI, or a file of this machine", HelpName = "INPUT",
        };
        var engine = new Option<string>("--engine", "-e") { Description = "Engine", HelpName = "NAME", DefaultValueFactory = _ => "ffmpeg-transcode" };
        var parameters = new Option<string[]>("--param", "-p")
        {
            Description = "Parameter of the engine, NAME=VALUE; may be repeated", HelpName = "NAME=VALUE", Arity = ArgumentArity.OneOrMore,
        };
        var name = new Option<string?>("--name") { Description = "Name of the task. Default: made from the input's", HelpName = "NAME" };
        var pool = new Option<string?>("--pool") { Description = "Pool that the lease is taken from", HelpName = "NAME" };
        var watch = new Option<bool>("--watch", "-w") { Description = "Show progress, and end with the task: 0 if it succeeded, 1 if not" };
        var command = new Command("submit", "Submit video work, from a manifest or from flags") { file, input, engine, parameters, name, pool, watch };
        command.SetAction(async (parsed, ct) =>
        {
            var manifests = (parsed.GetValue(file), parsed.GetValue(input)) switch
            {
                ({ } path, null) => ManifestFiles.Read(path, shell.Console.In),
                (null, { } source) => [new Manifest("--input", TaskManifest.Build(
                    parsed.GetValue(engine)!, source, parsed.GetValue(parameters) ?? [], parsed.GetValue(name), parsed.GetValue(pool), shell.NewId()))],
                (null, null) => throw CliException.Usage("name a manifest, or pass --input"),
                _ => throw CliException.Usage("name a manifest, or pass --input, not both"),
            };
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var names = new List<string>();
            foreach (var manifest in manifests)
                names.Add(await CreateAsync(cluster, manifest, globals.Json(parsed) && !parsed.GetValue(watch), shell, ct));
            return parsed.GetValue(watch)
                ? await new TaskWatch(cluster, shell, globals.Json(parsed)).RunAsync(names, ct)
                : ExitCodes.Ok;
        });
        return command;
    }

    static async Task<string> CreateAsync(Cluster cluster, Manifest manifest, bool json, Shell shell, CancellationToken ct)
    {
        if (manifest.Kind != nameof(VideoTask))
            throw CliException.Usage($"{manifest.Source}: {manifest.Kind}: only VideoTasks are submitted; use framelease apply for other kinds");
        if (manifest.Content["metadata"] is JsonObject metadata)
            metadata["namespace"] ??= cluster.Namespace;
        try
        {
            var created = await cluster.Client.CreateAsync(
                ResourceRef.Of<VideoTask>(), manifest.Content, new WriteOptions { FieldValidation = "Strict" }, ct);
            shell.Console.Out.WriteLine(json ? created.ToJsonString() : $"videotask.{ApiGroup.Name}/{created["metadata"]?["name"]} created");
            return (string)created["metadata"]!["name"]!;
        }
        catch (KubernetesException error) when (error.IsAlreadyExists)
        {
            throw new CliException(string.Create(CultureInfo.InvariantCulture, $"{manifest.Source}: {error.Message}; choose another name, or delete that task first"));
        }
    }
}
