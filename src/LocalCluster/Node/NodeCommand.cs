using System.Runtime.InteropServices;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Events;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.LocalCluster.Node.Devices;
using Framelease.LocalCluster.Node.Images;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Node.Registration;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Node;

/// <summary><c>framelease-localcluster node</c>: composes the node and runs it until a signal.</summary>
public static class NodeCommand
{
    const PosixSignal UserSignal1 = (PosixSignal)10;

    /// <returns>0 after a signal, 2 for wrong usage, 1 when the node cannot run.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TimeProvider time, Func<Guid> newId, Random random, ILogger logger)
    {
        if (arguments.Contains("--help"))
        {
            Console.Out.WriteLine(NodeOptions.Usage);
            return 0;
        }
        NodeOptions options;
        KubernetesClientOptions server;
        try
        {
            options = NodeOptions.Parse(arguments);
            server = KubeConfig.Load(options.KubeConfig);
        }
        catch (Exception e) when (e is FormatException or KubeConfigException)
        {
            await Console.Error.WriteLineAsync($"framelease-localcluster node: {e.Message}\n{NodeOptions.Usage}");
            return 2;
        }
        using var stop = new CancellationTokenSource();
        var drain = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var user = PosixSignalRegistration.Create(UserSignal1, context =>
        {
            context.Cancel = true;
            drain.TrySetResult();
        });
        using var client = new KubernetesClient(server, time, random, logger);
        await RunAsync(options, client, time, newId, random, logger, drain.Task, stop, Proofs);
        return 0;

        async Task Proofs(CancellationToken ct)
        {
            if (options.OperatorUrl is { } url)
                await HolderProofs.RunAsync(options.NodeName, url, () => server.Token ?? "", time, random, logger, ct);
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    /// <summary>
    /// The node itself, without signals: runs until <paramref name="stop"/>; a completed <paramref name="drain"/> ends the pods first.
    /// </summary>
    /// <param name="beside">Runs as long as the node does.</param>
    internal static async Task RunAsync(
        NodeOptions options, IKubernetesClient client, TimeProvider time, Func<Guid> newId, Random random, ILogger logger, Task drain,
        CancellationTokenSource stop, Func<CancellationToken, Task>? beside = null)
    {
        var devices = await DeviceInventory.DiscoverAsync(options.NodeName, options.SoftwareSlots, time, stop.Token);
        var paths = new PodPaths(options.DataDirectory);
        Directory.CreateDirectory(paths.Pods);
        using var runtime = new ShimRuntime(options.ShimProgram, paths, logger, time);
        var recorder = new EventRecorder(client,
            new EventRecorderOptions { Controller = "framelease.dev/node", Instance = options.NodeName }, time, newId, logger);
        var ledger = new ResourceLedger(NodeFacts.Capacity(devices).Where(pair => pair.Key.Contains('/')).ToDictionary(pair => pair.Key, pair => long.Parse(pair.Value)));
        var context = new NodeContext(options.NodeName, NodeFacts.Labels(options.NodeName), client, runtime, paths, new ImageTable(options.Images), ledger,
            options.AllowedHostPaths, new RecordedPodEvents(recorder), time, logger);
        var stores = new StoreSet(client, time, random, logger);
        var agent = new NodeAgent(context, stores.Get<Pod>());
        var registration = new NodeRegistration(options.NodeName, devices, client, time, logger);

        var work = Task.WhenAll(
            stores.RunAsync(stop.Token), agent.RunAsync(stop.Token), recorder.RunAsync(stop.Token),
            Quietly(registration.RunAsync(stop.Token)), beside?.Invoke(stop.Token) ?? Task.CompletedTask);
        if (await Task.WhenAny(work, drain) == drain)
        {
            Log.Draining(logger, options.DrainGraceSeconds);
            var longest = TimeSpan.FromSeconds(options.DrainGraceSeconds + 5);
            await Task.WhenAny(agent.DrainAsync(options.DrainGraceSeconds), Task.Delay(longest, time, CancellationToken.None));
            await stop.CancelAsync();
        }
        await work;
    }

    static async Task Quietly(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            // how a loop ends
        }
    }

    /// <summary>Pod events by the recorder that everybody uses.</summary>
    sealed class RecordedPodEvents(EventRecorder recorder) : IPodEvents
    {
        public void Say(Pod pod, string type, string reason, string note)
        {
            if (type == "Warning")
                recorder.Warning(pod, reason, reason, note);
            else
                recorder.Normal(pod, reason, reason, note);
        }
    }
}
