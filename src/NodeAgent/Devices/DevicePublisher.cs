using System.Text.Json.Nodes;
using Framelease.Devices;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.NodeAgent.Looking;
using Microsoft.Extensions.Logging.Abstractions;
using KubernetesNode = Framelease.Kubernetes.Models.Node;

namespace Framelease.NodeAgent.Devices;

/// <summary>Keeps the annotation of its Node that lists the devices, with their health, as <c>nvidia-smi</c> tells them.</summary>
sealed class DevicePublisher(string node, NvidiaSmi smi, IKubernetesClient kubernetes, Action<string> say, TimeProvider time)
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(30);

    /// <summary>The first call of nvidia-smi loads the driver.</summary>
    static readonly TimeSpan FirstAnswerWithin = TimeSpan.FromSeconds(15);

    string? _trouble;

    /// <summary>As the options say, until cancelled.</summary>
    /// <exception cref="AgentException">There is no way to the API server.</exception>
    public static async Task RunAsync(AgentOptions options, Action<string> say, TimeProvider time, Random chance, CancellationToken stop)
    {
        KubernetesClientOptions server;
        try
        {
            server = KubeConfig.Load(options.KubeConfig);
        }
        catch (KubeConfigException e)
        {
            throw new AgentException($"--publish-devices: {e.Message}");
        }

        using var kubernetes = new KubernetesClient(server, time, chance, NullLogger.Instance);
        var smi = new NvidiaSmi(time, within: FirstAnswerWithin);
        await new DevicePublisher(options.Node, smi, kubernetes, say, time).RunAsync(stop);
    }

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        PublishedDevices? devices = null;
        try
        {
            while (true)
            {
                try
                {
                    // Read each time: who else writes there, or a Node that was made anew, is noticed.
                    var now = (await kubernetes.GetAsync<KubernetesNode>(node, null, stop)).Metadata.Annotations
                        ?.GetValueOrDefault(DeviceAnnotation.Name);
                    devices ??= new PublishedDevices(DeviceAnnotation.Read(now));
                    await LookAsync(devices, now, stop);
                }
                catch (KubernetesException e)
                {
                    Trouble($"the devices of node {node} cannot be published: {e.Message}; trying on");
                }

                await Task.Delay(Period, time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // how it ends
        }
    }

    async Task LookAsync(PublishedDevices devices, string? now, CancellationToken stop)
    {
        var listed = await smi.ListAsync(stop);
        if (devices.After(listed, listed is null ? null : await smi.FaultsAsync(stop)) is not { } list)
        {
            Trouble("nvidia-smi does not list the devices; what is published stays");
            return;
        }

        _trouble = null;
        var text = DeviceAnnotation.Write(list);
        if (text == now)
            return;
        var annotations = new JsonObject { [DeviceAnnotation.Name] = text };
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations } };
        await kubernetes.PatchAsync<KubernetesNode>(node, null, Patch.Merge(patch), ct: stop);
        var degraded = list.Where(d => d.Health is not null).Select(d => $"{d.Id} is degraded: {d.HealthReason}").ToList();
        say($"published {list.Count} devices{(degraded.Count > 0 ? $"; {string.Join("; ", degraded)}" : "")}");
    }

    void Trouble(string line)
    {
        if (line != _trouble)
            say(line);
        _trouble = line;
    }
}
