using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources;

/// <summary>A kind of work: the image that does it, the parameters that it takes, the device that it wants.</summary>
[KubernetesEntity(ApiGroup.Name, ApiGroup.Version, "Engine", "engines", Namespaced = false)]
[CustomResource(ShortNames = ["eng"], Categories = ["framelease"])]
[PrinterColumn("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Driver", "string", ".spec.driver")]
[PrinterColumn("Device", "string", ".spec.device")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp")]
public sealed record Engine : KubernetesObject
{
    [Required]
    public EngineSpec Spec { get; init; } = new();

    public EngineStatus? Status { get; init; }
}

public sealed record EngineSpec
{
    /// <summary>Image of the worker pod.</summary>
    [Required, Length(1, 255)]
    public string Image { get; init; } = "";

    /// <summary>What the worker does with a task of this engine.</summary>
    [Required]
    public EngineDriver Driver { get; init; }

    /// <summary>Gpu: needs a lease. GpuPreferred: takes a lease and works in software where the device has no encoder. Cpu: no lease.</summary>
    [Default("\"GpuPreferred\"")]
    public EngineDevice? Device { get; init; }

    /// <summary>Parameters that a task may set.</summary>
    [ListMap("name"), Items(0, 64)]
    public IReadOnlyList<EngineParameter>? Parameters { get; init; }

    public EngineLimits? Limits { get; init; }
}

/// <summary>Built-in drivers of the worker.</summary>
public enum EngineDriver
{
    /// <summary>One input, one output, by ffmpeg. Parameters: codec, height, crf, bitrateKbps, preset, audio.</summary>
    FfmpegTranscode,
}

public enum EngineDevice
{
    Gpu,
    GpuPreferred,
    Cpu,
}

public sealed record EngineParameter
{
    [Required, Length(1, 63), Pattern("^[a-z][a-zA-Z0-9]*$")]
    public string Name { get; init; } = "";

    [Required]
    public ParameterType Type { get; init; }

    [Length(0, 1024)]
    public string? Description { get; init; }

    /// <summary>Allowed values of an Enum.</summary>
    [ListSet, Items(0, 64, ItemMaxLength = 63)]
    public IReadOnlyList<string>? Values { get; init; }

    /// <summary>Bounds of an Integer.</summary>
    [Range(-9007199254740991, 9007199254740991)]
    public long? Minimum { get; init; }

    [Range(-9007199254740991, 9007199254740991)]
    public long? Maximum { get; init; }

    /// <summary>Most characters (UTF-16 code units) of a String. Default 1024.</summary>
    [Range(1, 8192)]
    public int? MaxLength { get; init; }

    /// <summary>Value when the task does not set it; absent = left out.</summary>
    [Length(0, 253)]
    public string? Default { get; init; }
}

public enum ParameterType
{
    Integer,
    Enum,
    Boolean,

    /// <summary>Any text without control characters but line feeds and tabs.</summary>
    String,
}

/// <summary>Bounds on one attempt.</summary>
public sealed record EngineLimits
{
    /// <summary>CPU time of the engine's processes. Default 86400.</summary>
    [Range(1, 604800), Default("86400")]
    public int? CpuSeconds { get; init; }

    /// <summary>Memory of the engine's processes. Default 8192.</summary>
    [Range(64, 1048576), Default("8192")]
    public int? MemoryMiB { get; init; }

    /// <summary>Largest input. Default 102400.</summary>
    [Range(1, 10485760), Default("102400")]
    public int? InputMiB { get; init; }

    /// <summary>Largest output. Default 102400.</summary>
    [Range(1, 10485760), Default("102400")]
    public int? OutputMiB { get; init; }

    /// <summary>Threads of the engine; 0 = its own default. Default 0.</summary>
    [Range(0, 256), Default("0")]
    public int? Threads { get; init; }
}

public sealed record EngineStatus
{
    public long? ObservedGeneration { get; init; }

    [ListMap("type"), Items(0, 16)]
    public IReadOnlyList<Condition>? Conditions { get; init; }
}
