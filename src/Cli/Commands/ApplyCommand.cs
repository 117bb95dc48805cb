using System.CommandLine;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Manifests;
using Framelease.Kubernetes.Client;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease apply -f FILE</c>: for machines without kubectl.</summary>
static class ApplyCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var files = FileOption();
        var command = new Command("apply", "Create what the manifests describe, or change what is there (for machines without kubectl)") { files };
        command.SetAction(async (parsed, ct) =>
        {
            var manifests = parsed.GetRequiredValue(files).SelectMany(file => ManifestFiles.Read(file, shell.Console.In)).ToList();
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var failed = 0;
            foreach (var manifest in manifests)
                failed += await ApplyAsync(cluster, manifest, globals.Json(parsed), shell, ct) ? 0 : 1;
            return failed == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    public static Option<string[]> FileOption() => new("--filename", "-f")
    {
        Description = "A manifest, a directory of manifests, or - for standard input; may be repeated",
        HelpName = "FILE",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
    };

    // One manifest that fails does not keep the others from being applied, as with kubectl.
    static async Task<bool> ApplyAsync(Cluster cluster, Manifest manifest, bool json, Shell shell, CancellationToken ct)
    {
        try
        {
            var resource = await cluster.Client.ResolveAsync((string)manifest.Content["apiVersion"]!, manifest.Kind, ct);
            if (resource.Namespaced && manifest.Content["metadata"] is JsonObject metadata)
                metadata["namespace"] ??= cluster.Namespace;
            var result = await cluster.Client.ApplyAsync(manifest.Content, ct);
            shell.Console.Out.WriteLine(json
                ? result.Object.ToJsonString()
                : $"{result.Resource.Kind.ToLowerInvariant()}{Suffix(result.Resource)}/{result.Object["metadata"]?["name"]} {result.Outcome.ToString().ToLowerInvariant()}");
            return true;
        }
        catch (Exception error) when (error is KubernetesException or ArgumentException)
        {
            shell.Console.Error.WriteLine($"framelease: {manifest.Source}: {error.Message}");
            return false;
        }
    }

    static string Suffix(ResourceRef resource) => resource.Group.Length == 0 ? "" : "." + resource.Group;
}
