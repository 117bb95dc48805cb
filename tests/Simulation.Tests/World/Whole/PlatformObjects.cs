using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Pools;
using Framelease.Resources;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>What people and node agents apply in a whole world.</summary>
static class PlatformObjects
{
    public static Node Node(string name, string bootId, int cards) => new()
    {
        Metadata = new ObjectMeta
        {
            Name = name,
            Annotations = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [ApiGroup.DevicesAnnotation] = Devices(name, isUnfit: false),
            },
        },
        Status = new NodeStatus
        {
            Allocatable = new Dictionary<string, string>(StringComparer.Ordinal) { [PluginDevices.DefaultResource] = $"{cards}" },
            Conditions = [new NodeCondition { Type = "Ready", Status = "True" }],
            NodeInfo = new NodeInfo { BootID = bootId },
        },
    };

    public static string Devices(string node, bool isUnfit)
    {
        var health = isUnfit ? ""","health":"Degraded","healthReason":"Xid 79" """ : "";
        return $$"""[{"id":"{{node}}-gpu","index":0,"name":"gpu","memoryMiB":16000,"kind":"Gpu"{{health}}}]""";
    }

    /// <param name="byKubelet">Kubelets hand out the devices, as many of a node as there are slots.</param>
    public static GpuPool Pool(LeaseTerms terms, int slots, bool byKubelet) => new()
    {
        Metadata = new ObjectMeta { Name = SimulatedWorld.Pool },
        Spec = new GpuPoolSpec
        {
            Binding = byKubelet ? PoolBinding.DevicePlugin : PoolBinding.Static,
            SlotsPerDevice = byKubelet ? 1 : slots,
            AutoRecovery = terms.DetectOnly is true ? false : null,
            ProbationSeconds = 15,
            CleanUpRetrySeconds = 2,
            StartDeadlineSeconds = terms.StartDeadlineSeconds,
            HeartbeatIntervalSeconds = terms.HeartbeatIntervalSeconds,
            HeartbeatTimeoutSeconds = terms.HeartbeatTimeoutSeconds,
            WarningSeconds = terms.Grades!.WarningSeconds,
            SoftSeconds = terms.Grades.SoftSeconds,
            HardSeconds = terms.Grades.HardSeconds,
            ProgressTimeoutSeconds = terms.Grades.ProgressTimeoutSeconds,
            DrainGraceSeconds = terms.Grades.DrainGraceSeconds,
            OnLostContact = terms.LockDelay is null ? LostContact.Continue : LostContact.Stop,
            StopAfterSeconds = terms.LockDelay?.StopAfterSeconds,
            LockDelaySeconds = terms.LockDelay?.LockDelaySeconds,
        },
    };

    public static Resources.Engine Engine() => new()
    {
        Metadata = new ObjectMeta { Name = "sim" },
        Spec = new EngineSpec { Image = "worker:1", Driver = EngineDriver.FfmpegTranscode, Device = EngineDevice.Gpu },
    };

    public static Tenant Tenant(string ns) => new()
    {
        Metadata = new ObjectMeta { Name = "acme" },
        Spec = new TenantSpec { Namespaces = [ns] },
    };

    public static VideoTask Task(string name, string ns, string input, int scenes) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = ns },
        Spec = new VideoTaskSpec
        {
            Engine = "sim", Input = new VideoInput { Object = input },
            Scenes = scenes == 1 ? null : [.. Enumerable.Repeat(new VideoScene(), scenes)],
        },
    };

    public static GpuLease Lease(string name, string ns) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = ns },
        Spec = new GpuLeaseSpec { Pool = SimulatedWorld.Pool, MaxWaitSeconds = 20 },
    };
}
