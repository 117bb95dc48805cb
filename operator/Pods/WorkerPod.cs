using System.Globalization;
using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Operator.Pods;

/// <summary>The pod of one attempt: a pure function of task, engine and grant. Whatever the worker must know comes by attach, not from here (R2).</summary>
static class WorkerPod
{
    public const string ManagedBy = "framelease";
    public const string ContainerName = "worker";
    const string TokenDirectory = "/var/run/secrets/framelease";
    const string ScratchDirectory = "/scratch";

    /// <summary>The token serves attach only, at the start of the pod; 600 s is the least that Kubernetes grants.</summary>
    const long TokenSeconds = 3600;

    public static Pod Build(
        VideoTask task, Engine engine, string name, int scene, int attempt, LeaseGranted? grant, string operatorUrl, string serviceAccount, int startDeadlineSeconds) => new()
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = new ObjectMeta
            {
                Name = name,
                Namespace = task.Metadata.Namespace,
                Labels = Labels(task.Metadata.Uid!, scene, attempt),
                Annotations = new Dictionary<string, string>(StringComparer.Ordinal) { [ApiGroup.TokenAnnotation] = TokenOf(grant) },
                Finalizers = [ApiGroup.PodFinalizer],
                OwnerReferences = [OwnerOf(task)],
            },
            Spec = new PodSpec
            {
                // A worker is never restarted in place: its end is the attempt's end (R5), and the next attempt has a fence of its own.
                RestartPolicy = "Never",
                // The grant names a node; binding it here keeps the device and the pod together. A claim is allocated by the scheduler
                // alone, so that a pod with one is left to it, and to no other node.
                NodeName = grant?.Terms.Dra is null ? grant?.Slot.Node : null,
                Affinity = grant?.Terms.Dra is null ? null : OnlyOn(grant.Slot.Node),
                ResourceClaims = grant?.Terms.Dra is null ? null : [new PodResourceClaim(PodClaim.Name, name)],
                ServiceAccountName = serviceAccount,
                AutomountServiceAccountToken = false,
                TerminationGracePeriodSeconds = 30,
                EnableServiceLinks = false,
                Tolerations =
                [
                    new Toleration { Key = "node.kubernetes.io/not-ready", Operator = "Exists", Effect = "NoExecute" },
                    new Toleration { Key = "node.kubernetes.io/unreachable", Operator = "Exists", Effect = "NoExecute" },
                    // As for pods that are bound to their node by us: which nodes are used, is the pool's to say.
                    .. grant?.Terms.Dra is null ? [] : new[] { new Toleration { Operator = "Exists", Effect = "NoSchedule" } },
                ],
                Containers = [Worker(engine, operatorUrl, grant, startDeadlineSeconds)],
                Volumes =
                [
                    new Volume { Name = "scratch", EmptyDir = new EmptyDirVolume() },
                    new Volume
                    {
                        Name = "token",
                        Projected = new ProjectedVolume
                        {
                            Sources =
                            [
                                new VolumeProjection
                                {
                                    ServiceAccountToken = new ServiceAccountTokenProjection("token", ApiGroup.WorkerAudience, TokenSeconds),
                                },
                            ],
                        },
                    },
                ],
            },
        };

    public static IReadOnlyDictionary<string, string> Labels(string taskUid, int scene, int attempt) => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [ApiGroup.ManagedByLabel] = ManagedBy,
        [ApiGroup.TaskUidLabel] = taskUid,
        [ApiGroup.SceneLabel] = scene.ToString(CultureInfo.InvariantCulture),
        [ApiGroup.AttemptLabel] = attempt.ToString(CultureInfo.InvariantCulture),
    };

    public static string TokenOf(LeaseGranted? grant) => (grant?.Token ?? 0).ToString(CultureInfo.InvariantCulture);

    public static OwnerReference OwnerOf(VideoTask task) =>
        new(ApiGroup.ApiVersion, nameof(VideoTask), task.Metadata.Name!, task.Metadata.Uid!, Controller: true, BlockOwnerDeletion: true);

    static Container Worker(Engine engine, string operatorUrl, LeaseGranted? grant, int startDeadlineSeconds) => new()
    {
        Name = ContainerName,
        Image = engine.Spec.Image,
        Env =
        [
            new EnvVar { Name = "FRAMELEASE_OPERATOR_URL", Value = operatorUrl },
            new EnvVar { Name = "FRAMELEASE_TOKEN_FILE", Value = TokenDirectory + "/token" },
            new EnvVar { Name = "FRAMELEASE_SCRATCH", Value = ScratchDirectory },
            new EnvVar { Name = "FRAMELEASE_ATTACH_SECONDS", Value = startDeadlineSeconds.ToString(CultureInfo.InvariantCulture) },
            Field("FRAMELEASE_POD_NAME", "metadata.name"),
            Field("FRAMELEASE_POD_NAMESPACE", "metadata.namespace"),
            Field("FRAMELEASE_POD_UID", "metadata.uid"),
            Field("FRAMELEASE_NODE_NAME", "spec.nodeName"),
            // Where the cluster hands out devices, it also says in the container which: a word of ours would go past it.
            .. grant?.Terms is { DevicePlugin: not null } or { Dra: not null }
                ? [new EnvVar { Name = "FRAMELEASE_REPORT_DEVICES", Value = "true" }]
                : grant is { DeviceKind: "Gpu" }
                ? new[] { new EnvVar { Name = "NVIDIA_VISIBLE_DEVICES", Value = grant.Slot.Device }, new EnvVar { Name = "CUDA_VISIBLE_DEVICES", Value = grant.Slot.Device } }
                : [],
        ],
        Resources = grant?.Terms switch
        {
            { DevicePlugin: { } plugin } => new ResourceRequirements
            {
                Limits = new Dictionary<string, string>(StringComparer.Ordinal) { [plugin.Resource] = "1" },
            },
            { Dra: not null } => new ResourceRequirements { Claims = [new ContainerResourceClaim(PodClaim.Name)] },
            _ => null,
        },
        VolumeMounts =
        [
            new VolumeMount { Name = "scratch", MountPath = ScratchDirectory },
            new VolumeMount { Name = "token", MountPath = TokenDirectory, ReadOnly = true },
        ],
        SecurityContext = new SecurityContext
        {
            AllowPrivilegeEscalation = false,
            ReadOnlyRootFilesystem = true,
            Capabilities = new Capabilities { Drop = ["ALL"] },
        },
    };

    /// <summary>The node that a pod is on, or the only one that it may come to; null when it has none.</summary>
    public static string? NodeOf(Pod pod) => pod.Spec?.NodeName
        ?? (pod.Spec?.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms is
            [{ MatchFields: [{ Key: NodeNameField, Operator: "In", Values: [var node] }] }] ? node : null);

    const string NodeNameField = "metadata.name";

    static Affinity OnlyOn(string node) => new()
    {
        NodeAffinity = new NodeAffinity
        {
            RequiredDuringSchedulingIgnoredDuringExecution = new NodeSelector(
                [new NodeSelectorTerm { MatchFields = [new NodeSelectorRequirement(NodeNameField, "In", [node])] }]),
        },
    };

    static EnvVar Field(string name, string path) => new() { Name = name, ValueFrom = new EnvVarSource { FieldRef = new ObjectFieldSelector(path) } };
}
