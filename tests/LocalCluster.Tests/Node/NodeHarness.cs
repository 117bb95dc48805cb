// A real node with real shims in a directory of its own, against an API server in memory. It can be ended and started again on the same data.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Tests.Shim;
using Microsoft.Extensions.Logging.Abstractions;
using static Framelease.LocalCluster.Tests.Shim.ShimHarness;

namespace Framelease.LocalCluster.Tests.Node;

sealed class NodeHarness : IAsyncDisposable
{
    CancellationTokenSource _stop = new();
    TaskCompletionSource _drain = new();
    Task _running = Task.CompletedTask;

    internal NodeHarness()
    {
        Root = Directory.CreateTempSubdirectory("framelease-node-").FullName;
        Paths = new PodPaths(Root);
        File.WriteAllText(Images, """{"images": {"shell": {"program": "/bin/sh", "args": ["-c"]}, "sleeper": {"program": "sleep", "args": ["1000"]}}}""");
    }

    internal string Root { get; }

    internal PodPaths Paths { get; }

    internal string Images => Path.Combine(Root, "images.json");

    internal FakeKubernetes Api { get; } = new();

    internal NodeOptions Options => new()
    {
        DataDirectory = Root, KubeConfig = "", Images = Images, SoftwareSlots = 2, DrainGraceSeconds = 1, ShimProgram = ShimHarness.Program,
    };

    internal NodeHarness Start()
    {
        (_stop, _drain) = (new(), new());
        _running = NodeCommand.RunAsync(Options, Api, TimeProvider.System, Guid.NewGuid, new Random(1), NullLogger.Instance, _drain.Task, _stop);
        return this;
    }

    /// <summary>The node ends and leaves its pods running.</summary>
    internal async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Deadline);
    }

    /// <summary>The platform stops: pods end first.</summary>
    internal Task DrainAsync()
    {
        _drain.SetResult();
        return _running.WaitAsync(Deadline);
    }

    internal Task<Pod> CreateAsync(string name, string script, Func<PodSpec, PodSpec>? change = null, string image = "shell") => Api.CreateAsync(new Pod
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = $"{name}-{Environment.ProcessId}-{Guid.NewGuid():N}" },
        Spec = (change ?? (spec => spec))(new PodSpec
        {
            RestartPolicy = "Never",
            TerminationGracePeriodSeconds = 20,
            Containers = [new Container { Name = "main", Image = image, Args = image == "shell" ? [script] : null }],
        }),
    });

    internal async Task<Pod> UntilAsync(string name, Func<Pod, bool> condition)
    {
        Pod? last = null;
        try
        {
            return await Eventually(() => (last = Api.FindAsync<Pod>(name, "default").Result) is { } pod && condition(pod) ? pod : null);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"pod {name} is {System.Text.Json.JsonSerializer.Serialize(last?.Status)}");
        }
    }

    internal Task<Pod> PhaseAsync(string name, string phase) => UntilAsync(name, pod => pod.Status?.Phase == phase);

    internal async Task GoneAsync(Pod pod)
    {
        await Eventually(() => Api.FindAsync<Pod>(pod.Metadata.Name!, "default").Result is null);
        await Eventually(() => !Directory.Exists(Paths.Pod(pod.Metadata.Uid!)));
    }

    internal static ContainerState State(Pod pod) => pod.Status!.ContainerStatuses![0].State!;

    internal string Log(Pod pod, int run = 0)
    {
        var file = Paths.Log(new RunId(pod.Metadata.Uid!, "main", run));
        return File.Exists(file) ? File.ReadAllText(file) : "";
    }

    /// <summary>Makes a file in the pod's home, for scripts that wait for it.</summary>
    internal void Touch(Pod pod, string file) => File.WriteAllText(Path.Combine(Paths.Home(pod.Metadata.Uid!), file), "");

    internal static List<ProcessIdentity> Processes(Pod pod) => MarkedProcesses.Find(pod.Metadata.Uid!, null);

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        using var runtime = new ShimRuntime(ShimHarness.Program, Paths, NullLogger.Instance, TimeProvider.System);
        foreach (var uid in runtime.Known().Select(run => run.PodUid).Distinct())
            await Eventually(() =>
            {
                var left = MarkedProcesses.Find(uid, null);
                left.ForEach(process => process.Signal(Libc.SigKill));
                return left.Count == 0;
            });
        Directory.Delete(Root, recursive: true);
    }
}
