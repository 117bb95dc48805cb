using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Manifests;
using Framelease.Cli.Processes;
using Framelease.Kubernetes.Client;

namespace Framelease.Cli.Demo;

/// <summary>Applies and shows with the stock kubectl if there is one, else with our own client; the demo says which.</summary>
sealed class Applier(Cluster cluster, string kubeconfig, Shell shell, DemoStory story)
{
    readonly string? _kubectl = Tool.Find("kubectl", shell.Environment);

    public bool HasKubectl => _kubectl is not null;

    public async Task ApplyAsync(string file, CancellationToken ct)
    {
        if (await KubectlAsync(["apply", "-f", file], ct))
            return;
        foreach (var manifest in ManifestFiles.Read(file, TextReader.Null))
            await ApplyAsync(manifest.Content, ct);
    }

    public async Task ApplyAsync(JsonObject manifest, CancellationToken ct)
    {
        manifest["metadata"]!["namespace"] ??= cluster.Namespace;
        var result = await cluster.Client.ApplyAsync(manifest, ct);
        story.Say($"{result.Resource.Kind.ToLowerInvariant()}.{result.Resource.Group}/{(string?)manifest["metadata"]?["name"]} {result.Outcome.ToString().ToLowerInvariant()}");
    }

    public async Task ShowTasksAsync(CancellationToken ct)
    {
        if (await KubectlAsync(["get", "vt", "-o", "wide"], ct))
            return;
        story.Say("$ framelease get vt -o wide");
        var table = await cluster.Client.GetTableAsync(ResourceRef.Of<Resources.VideoTask>(), null, cluster.Namespace, ct);
        Commands.ObjectTable.Write(table, wide: true, namespaces: false, shell);
    }

    async Task<bool> KubectlAsync(string[] arguments, CancellationToken ct)
    {
        if (_kubectl is null)
            return false;
        story.Say($"$ kubectl {string.Join(' ', arguments)}");
        var ran = await Tool.RunAsync(_kubectl, ["--kubeconfig", kubeconfig, .. arguments], ct);
        foreach (var line in (ran.Output + ran.Error).TrimEnd().Split('\n'))
            story.Say(line);
        return ran.ExitCode == 0 ? true : throw new CliException($"kubectl {arguments[0]} failed with exit code {ran.ExitCode}");
    }
}
