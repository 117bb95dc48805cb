using System.Text.Json;
using Framelease.GpuWorker.Api;
using Framelease.NodeAgent;
using Framelease.NodeAgent.Asking;
using Framelease.NodeAgent.Looking;
using Framelease.Simulation.Tests.Engine;
using Framelease.WorkerProtocol;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>The shipped agent on a node: it sees the processes that really are there, or, now and then, not all of them and says so.</summary>
sealed class SimAgent(WholeWorld world, Kubelets kubelets, string node)
{
    public Task RunAsync(SimProcess process, Random chance) => new AgentLoop(
        new SimOperator(world, kubelets, process, node), new SimProcesses(world, kubelets, node), new SimDevices(world, node), "0.1.0",
        line => world.Simulation.Say($"agent of {node}: {line}"), process.Clock, chance).RunAsync(CancellationToken.None);
}

/// <summary><c>/worker/v1/nodes</c> over the simulated network; who waits for news asks again after a while.</summary>
sealed class SimOperator(WholeWorld world, Kubelets kubelets, SimProcess process, string node) : IOperator
{
    static readonly TimeSpan Again = TimeSpan.FromSeconds(2);

    readonly ReplicaCalls _calls = new(world, process, node);

    public async Task<Answer<NodeQuarantine>> QuarantineAsync(string? known, TimeSpan wait, CancellationToken cancel)
    {
        if (known is not null)
            await Task.Delay(Again, process.Clock, cancel);
        var answer = Told(await CallAsync(o => o.Nodes.QuarantineAsync(node, CancellationToken.None), cancel));
        if (answer is not Answer<NodeQuarantine>.Ok ok)
            return answer;
        var tag = JsonSerializer.Serialize(ok.Value, ProtocolJson.Default.NodeQuarantine);
        return tag == known ? new Answer<NodeQuarantine>.Unchanged() : new Answer<NodeQuarantine>.Ok(ok.Value, tag);
    }

    public async Task<Answer<ProofsReply>> ProveAsync(ProofsRequest request, CancellationToken cancel) =>
        Told(await CallAsync(o => o.Nodes.ProveAsync(node, $"agent of {node}", request, CancellationToken.None), cancel));

    // Nothing runs on a machine that is down.
    Task<ApiAnswer<T>> CallAsync<T>(Func<WholeReplica, Task<T>> handler, CancellationToken cancel) => kubelets.IsUp(node)
        ? _calls.CallAsync(handler, cancel)
        : Task.FromResult<ApiAnswer<T>>(new ApiAnswer<T>.Later("the node is down", Reached: false, null));

    static Answer<T> Told<T>(ApiAnswer<T> answer) => answer switch
    {
        ApiAnswer<T>.Ok(var value) => new Answer<T>.Ok(value, null),
        ApiAnswer<T>.Refused no => new Answer<T>.Failed(no.Detail, IsRefusal: true),
        ApiAnswer<T>.Later later => new Answer<T>.Failed(later.Why, IsRefusal: false),
        _ => throw new InvalidOperationException("an answer is one of three"),
    };
}

/// <summary>The processes of a node's machine, as the world knows them.</summary>
sealed class SimProcesses(WholeWorld world, Kubelets kubelets, string node) : IProcesses
{
    const long FirstNamespace = 4026531836;

    public Viewpoint From => new(kubelets.BootId(node), FirstNamespace, IsWholeMachine: true, UserId: 0, PodsKnownBy.Cgroup);

    /// <summary>As the holder itself would tell it.</summary>
    public static HolderIdentity IdentityOf(SimPod program) => new(PidOf(program), PidOf(program) * 100L, FirstNamespace, 0);

    public ProcessLook Look()
    {
        if (world.Simulation.Chance.Next(20) == 0)
            return new ProcessLook([], "this look could not see everything");
        return new ProcessLook([.. kubelets.Pods.Where(p => p.Node == node && p.IsRunning).Select(Facts)]);
    }

    static ProcessFacts Facts(SimPod pod)
    {
        var isPod = pod.TaskUid.Length > 0;
        return new ProcessFacts(
            PidOf(pod), pod.Name, PidOf(pod) * 100L, PidOf(pod), [0], isPod ? $"/kubepods/burstable/pod{pod.Uid}/worker" : "/user.slice",
            new EnvironmentMarks.Read(isPod ? [] : [pod.LeaseUid!], null));
    }

    // Never another's, as long as this world lasts.
    static int PidOf(SimPod pod) => 100 + pod.Number;
}
