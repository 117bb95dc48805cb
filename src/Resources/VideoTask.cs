using System.Text.Json;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources;

/// <summary>One piece of video work: an engine, an input and parameters; the platform gives it a device, runs it and commits its output.</summary>
[KubernetesEntity(ApiGroup.Name, ApiGroup.Version, "VideoTask", "videotasks")]
[CustomResource(ShortNames = ["vt"], Categories = ["framelease"])]
[PrinterColumn("Phase", "string", ".status.phase")]
[PrinterColumn("Engine", "string", ".spec.engine")]
[PrinterColumn("Attempts", "integer", ".status.attempts")]
[PrinterColumn("Reason", "string", ".status.reason")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp")]
[PrinterColumn("Device", "string", ".status.device", Priority = 1)]
[PrinterColumn("Token", "integer", ".status.token", Priority = 1)]
[PrinterColumn("Encoder", "string", ".status.output.encoder", Priority = 1)]
[PrinterColumn("Bytes", "integer", ".status.output.bytes", Priority = 1)]
[PrinterColumn("Output", "string", ".status.output.uri", Priority = 1)]
public sealed record VideoTask : KubernetesObject
{
    [Required]
    public VideoTaskSpec Spec { get; init; } = new();

    public VideoTaskStatus? Status { get; init; }
}

/// <summary>The wish. Immutable once created, but for suspend, cancel and ttlSecondsAfterFinished.</summary>
[ValidationRule(
    "self.engine == oldSelf.engine"
    + " && has(self.input) == has(oldSelf.input) && (!has(self.input) || self.input == oldSelf.input)"
    + " && has(self.scenes) == has(oldSelf.scenes) && (!has(self.scenes) || self.scenes == oldSelf.scenes)"
    + " && has(self.parameters) == has(oldSelf.parameters) && (!has(self.parameters) || self.parameters == oldSelf.parameters)"
    + " && has(self.tenant) == has(oldSelf.tenant) && (!has(self.tenant) || self.tenant == oldSelf.tenant)"
    + " && has(self.pool) == has(oldSelf.pool) && (!has(self.pool) || self.pool == oldSelf.pool)"
    + " && has(self.backoffLimit) == has(oldSelf.backoffLimit) && (!has(self.backoffLimit) || self.backoffLimit == oldSelf.backoffLimit)"
    + " && has(self.priorityBoost) == has(oldSelf.priorityBoost) && (!has(self.priorityBoost) || self.priorityBoost == oldSelf.priorityBoost)"
    + " && has(self.resources) == has(oldSelf.resources) && (!has(self.resources) || self.resources == oldSelf.resources)"
    + " && has(self.timeouts) == has(oldSelf.timeouts) && (!has(self.timeouts) || self.timeouts == oldSelf.timeouts)"
    + " && has(self.activeDeadlineSeconds) == has(oldSelf.activeDeadlineSeconds)"
    + " && (!has(self.activeDeadlineSeconds) || self.activeDeadlineSeconds == oldSelf.activeDeadlineSeconds)",
    "spec is immutable, but for suspend, cancel and ttlSecondsAfterFinished: delete the task and create a new one")]
[ValidationRule(
    "has(self.input) || (has(self.scenes) && self.scenes.all(s, has(s.input)))", "input must be set, or every one of scenes must have its own")]
[ValidationRule(
    "!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)", "cancel cannot be taken back: create a new task")]
public sealed record VideoTaskSpec
{
    /// <summary>Name of the Engine that does the work.</summary>
    [Required, Length(1, 63)]
    public string Engine { get; init; } = "";

    /// <summary>What is worked on. May be absent when every scene has its own.</summary>
    public VideoInput? Input { get; init; }

    /// <summary>
    /// Parts that are worked on side by side, each under a lease of its own, with attempts and an output of its own; a retry repeats one scene
    /// only. The task has succeeded when all have. Default: one scene, made of input and parameters.
    /// </summary>
    [Items(1, 50)]
    public IReadOnlyList<VideoScene>? Scenes { get; init; }

    /// <summary>Parameters by name, integers or strings, checked against the Engine's parameter list; absent ones take its defaults.</summary>
    [IntOrString, Items(0, 64)]
    public IReadOnlyDictionary<string, JsonElement>? Parameters { get; init; }

    /// <summary>Tenant that the work is done for. Default: the tenant that owns the namespace.</summary>
    [Length(1, 63)]
    public string? Tenant { get; init; }

    /// <summary>Pool that leases are taken from. Default: the pool named "default".</summary>
    [Length(1, 63), Default("\"default\"")]
    public string? Pool { get; init; }

    /// <summary>How many attempts of one scene may fail in a retryable way before the task fails. Default 3.</summary>
    [Range(0, 20), Default("3")]
    public int? BackoffLimit { get; init; }

    /// <summary>
    /// Points on top of the tenant's tier: one point is worth one minute of waiting. At most what the tenant allows. Default 0.
    /// </summary>
    [Range(0, 200), Default("0")]
    public int? PriorityBoost { get; init; }

    /// <summary>What the device must have room for.</summary>
    public LeaseResources? Resources { get; init; }

    /// <summary>Overrides of the pool's timeouts, within the pool's bounds.</summary>
    public LeaseTimeouts? Timeouts { get; init; }

    /// <summary>
    /// Seconds from the acceptance within which the task has to end, all attempts, back-offs and waiting for a slot included; then what runs is
    /// cancelled and the task fails with DeadlineExceeded. Default: no deadline.
    /// </summary>
    [Range(1, 31536000)]
    public long? ActiveDeadlineSeconds { get; init; }

    /// <summary>
    /// Seconds after its end, good or bad, after which the task is deleted, with its leases and pods; 0 = at once. Output and history stay.
    /// Default: it is kept.
    /// </summary>
    [Range(0, 31536000)]
    public long? TtlSecondsAfterFinished { get; init; }

    /// <summary>
    /// Nothing of the task runs, or waits in a queue, while this is true. What ran is stopped and begins anew when it is false again, without
    /// counting against backoffLimit; scenes that are done stay done. The deadline goes on counting. Default false.
    /// </summary>
    [Default("false")]
    public bool? Suspend { get; init; }

    /// <summary>True ends the task for good: its workers are told, its leases given back, and it fails with Cancelled. Default false.</summary>
    [Default("false")]
    public bool? Cancel { get; init; }
}

/// <summary>One of several parts of a task.</summary>
public sealed record VideoScene
{
    /// <summary>What is worked on. Default: the task's input.</summary>
    public VideoInput? Input { get; init; }

    /// <summary>The engine's parameter "prompt", for this scene.</summary>
    [Length(1, 8192)]
    public string? Prompt { get; init; }

    /// <summary>On top of the task's parameters; those of the same name win.</summary>
    [IntOrString, Items(0, 64)]
    public IReadOnlyDictionary<string, JsonElement>? Parameters { get; init; }
}

/// <summary>Exactly one of object, uri and task.</summary>
[ValidationRule(
    "has(self.object) ? !has(self.uri) && !has(self.task) : has(self.uri) != has(self.task)", "exactly one of object, uri and task must be set")]
[ValidationRule("!has(self.scene) || has(self.task)", "scene is for task only")]
public sealed record VideoInput
{
    /// <summary>Key in the configured object store, for example inputs/clip.mp4.</summary>
    [Length(1, 1024)]
    public string? Object { get; init; }

    /// <summary>file:// under an allowed root of the operator, or http(s)://.</summary>
    [Length(1, 2048)]
    public string? Uri { get; init; }

    /// <summary>Name of a VideoTask of the same namespace, whose output this is. The task begins when that one has succeeded, and fails if it fails.</summary>
    [Length(1, 253)]
    public string? Task { get; init; }

    /// <summary>Which scene of that task, from 0 on. Needed where it has several.</summary>
    [Range(0, 49)]
    public int? Scene { get; init; }
}

/// <summary>Seconds; absent fields take the pool's values.</summary>
public sealed record LeaseTimeouts
{
    /// <summary>Grant to attach. Default 600.</summary>
    [Range(10, 86400)]
    public int? StartDeadlineSeconds { get; init; }

    /// <summary>Time between two beats of the worker. Default 60.</summary>
    [Range(1, 3600)]
    public int? HeartbeatIntervalSeconds { get; init; }

    /// <summary>Silence after which the lease expires. Default 300; must be at least twice the interval.</summary>
    [Range(2, 86400)]
    public int? HeartbeatTimeoutSeconds { get; init; }

    /// <summary>Seconds from the grant after which a warning is recorded; 0 = none.</summary>
    [Range(0, 604800)]
    public int? WarningSeconds { get; init; }

    /// <summary>Seconds from the grant after which the worker is asked to end; 0 = none.</summary>
    [Range(0, 604800)]
    public int? SoftSeconds { get; init; }

    /// <summary>Seconds from the grant after which the worker is made to end; 0 = none.</summary>
    [Range(0, 604800)]
    public int? HardSeconds { get; init; }

    /// <summary>Beats without progress for this long are a stall; 0 = none.</summary>
    [Range(0, 86400)]
    public int? ProgressTimeoutSeconds { get; init; }
}

/// <summary>What was observed, derived from the event log.</summary>
public sealed record VideoTaskStatus
{
    /// <summary>Printed summary of the conditions: Pending, Suspended, Queued, Running, Succeeded, Failed.</summary>
    public string? Phase { get; init; }

    /// <summary>Reason of the condition that says most about the phase.</summary>
    public string? Reason { get; init; }

    public long? ObservedGeneration { get; init; }

    /// <summary>Accepted, Admitted, Suspended, Running, Stalled, Finished, Succeeded, Failed.</summary>
    [ListMap("type"), Items(0, 16)]
    public IReadOnlyList<Condition>? Conditions { get; init; }

    /// <summary>sha256 of the accepted spec.</summary>
    public string? SpecHash { get; init; }

    /// <summary>Attempts started over all scenes.</summary>
    public int? Attempts { get; init; }

    /// <summary>Device, and token, of the latest attempt.</summary>
    public string? Device { get; init; }

    public long? Token { get; init; }

    [ListMap("index"), Items(0, 50)]
    public IReadOnlyList<SceneStatus>? Scenes { get; init; }

    public OutputStatus? Output { get; init; }

    public DateTimeOffset? StartTime { get; init; }

    public DateTimeOffset? CompletionTime { get; init; }
}

/// <summary>One scene and its latest attempt. Live progress is in the REST API, not here.</summary>
public sealed record SceneStatus
{
    [Required]
    public int Index { get; init; }

    public int? Attempt { get; init; }

    /// <summary>Queued, Starting, Attached, BackingOff, Committed, Failed.</summary>
    public string? State { get; init; }

    public string? Lease { get; init; }

    public string? Pod { get; init; }

    public string? Node { get; init; }

    public string? Device { get; init; }

    public long? Token { get; init; }

    public string? Message { get; init; }

    /// <summary>What a committed scene made, where the task has several.</summary>
    public OutputStatus? Output { get; init; }
}

/// <summary>The committed output.</summary>
public sealed record OutputStatus
{
    public string? Uri { get; init; }

    public string? Key { get; init; }

    public string? Sha256 { get; init; }

    public long? Bytes { get; init; }

    public long? DurationMillis { get; init; }

    public string? VideoCodec { get; init; }

    public string? AudioCodec { get; init; }

    public string? Resolution { get; init; }

    /// <summary>Encoder that ran, and why that one.</summary>
    public string? Encoder { get; init; }

    public string? EncoderReason { get; init; }
}
