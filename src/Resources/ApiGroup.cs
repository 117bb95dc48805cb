namespace Framelease.Resources;

/// <summary>Group, version and fixed names that manifests, operator and worker share.</summary>
public static class ApiGroup
{
    public const string Name = "framelease.dev";
    public const string Version = "v1alpha1";
    public const string ApiVersion = Name + "/" + Version;

    /// <summary>On VideoTask: kept until the end of its attempts is recorded.</summary>
    public const string TaskFinalizer = Name + "/task";

    /// <summary>On GpuLease: kept until its slot is released or quarantined on record.</summary>
    public const string LeaseFinalizer = Name + "/lease";

    /// <summary>On worker pods: kept until their end is recorded (R4).</summary>
    public const string PodFinalizer = Name + "/attempt";

    /// <summary>Labels on pods and leases.</summary>
    public const string TaskUidLabel = Name + "/task-uid";
    public const string SceneLabel = Name + "/scene";
    public const string AttemptLabel = Name + "/attempt";
    public const string ManagedByLabel = "app.kubernetes.io/managed-by";

    /// <summary>On worker pods: the token of the grant that the pod was made under; 0 without a lease.</summary>
    public const string TokenAnnotation = Name + "/token";

    /// <summary>On VideoTasks that were created over HTTP: by whom, and the sha256 of the spec that was asked for.</summary>
    public const string RequestedByAnnotation = Name + "/requested-by";
    public const string RequestAnnotation = Name + "/request";

    /// <summary>On nodes: JSON list of devices that a node agent found.</summary>
    public const string DevicesAnnotation = Name + "/devices";

    /// <summary>Audience of the projected token that workers attach with.</summary>
    public const string WorkerAudience = Name + "/worker";

    /// <summary>Audience of the projected token that a node's agent shows to the operator.</summary>
    public const string NodeAudience = Name + "/node";
}
