using Framelease.Domain.Leasing;
using Framelease.Simulation.Tests.Engine;

namespace Framelease.Simulation.Tests.World;

/// <summary>The truth about a pod's process, which no process of the world sees whole.</summary>
sealed class SimPod(string uid, string name, string node, string taskUid, int attempt)
{
    public string Uid => uid;

    public string Name => name;

    public string Node => node;

    /// <summary>Its process's id on its machine.</summary>
    public int Number { get; set; }

    /// <summary>Empty: a program in no pod.</summary>
    public string TaskUid => taskUid;

    public int Attempt => attempt;

    /// <summary>Under which it uses its device.</summary>
    public string? LeaseUid { get; set; }

    public SlotKey? Slot { get; set; }

    /// <summary>That its kubelet gave it, where kubelets hand out devices.</summary>
    public string? Card { get; set; }

    /// <summary>Null before the start.</summary>
    public SimProcess? Process { get; set; }

    /// <summary>It runs something on its device.</summary>
    public bool UsesDevice { get; set; }

    public bool HasStarted { get; set; }

    public bool IsDeleted { get; set; }

    /// <summary>What the kubelet reported; null while it reported no end.</summary>
    public string? Terminated { get; set; }

    public bool EndIsRecorded { get; set; }

    public bool IsRunning => Process is { IsAlive: true };
}

/// <summary>Nodes and the pods on them, as far as every world needs them.</summary>
interface ICluster
{
    IReadOnlyCollection<SimPod> Pods { get; }

    /// <summary>Everything on the node dies at once, and nobody tells.</summary>
    void NodeDies(string node);

    /// <summary>After the boot its kubelet reports every container of before as terminated.</summary>
    void NodeReturns(string node);
}
