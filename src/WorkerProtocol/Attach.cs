namespace Framelease.WorkerProtocol;

/// <summary>
/// First call of every worker: <c>POST /worker/v1/attach</c>, authenticated with the pod-bound token. It binds the pod to its attempt.
/// Idempotent by pod UID: a repeated attach gets the same assignment (with fresh presigned URLs).
/// </summary>
/// <param name="WorkerVersion">Semantic version of the worker, for people.</param>
/// <param name="PodName">metadata.name of the worker's pod.</param>
/// <param name="Namespace">metadata.namespace of the worker's pod.</param>
/// <param name="PodUid">metadata.uid of the worker's pod; must equal the one in the token.</param>
/// <param name="NodeName">Node that the pod runs on.</param>
/// <param name="BootId">Of the machine that the worker runs on, as its kernel says; another one later proves that this worker has
/// ended.</param>
/// <param name="DeviceIds">Devices that the worker can see, when it can tell; the operator compares them with the lease.</param>
/// <param name="Protocol">That the worker speaks, see <see cref="ProtocolVersion"/>; null = 1.0.</param>
public sealed record AttachRequest(
    string WorkerVersion, string PodName, string Namespace, string PodUid, string NodeName, IReadOnlyList<string>? DeviceIds = null,
    string? BootId = null, string? Protocol = null);

/// <summary>What the worker is to do, and under which fence. Nothing in the worker's environment overrides it.</summary>
public sealed record Assignment
{
    /// <summary>Identity of the attempt; every later call carries it inside <see cref="Credential"/>.</summary>
    public required AttemptRef Attempt { get; init; }

    /// <summary>Bearer credential for beat, complete and fail; bound to lease, slot token and pod UID.</summary>
    public required string Credential { get; init; }

    /// <summary>The leased device; null when the attempt holds no lease (CPU work).</summary>
    public LeasedDevice? Device { get; init; }

    public required EngineCall Engine { get; init; }

    public required InputSource Input { get; init; }

    public required OutputTarget Output { get; init; }

    public required Limits Limits { get; init; }

    /// <summary>Seconds between two beats while nothing changes. Default 60, bounds 1–3600.</summary>
    public required int HeartbeatIntervalSeconds { get; init; }

    /// <summary>Silence after which the operator may expire the lease. Default 300.</summary>
    public required int HeartbeatTimeoutSeconds { get; init; }

    /// <summary>While frames move, a beat is sent at least this often so that people see progress. Default 2.</summary>
    public required int ProgressIntervalSeconds { get; init; }

    /// <summary>Without contact for this long the worker stops by itself; null: it goes on, because it is fenced.</summary>
    public int? StopAfterSeconds { get; init; }

    /// <summary>How to look at the device before and after the work; null: not at all.</summary>
    public ProbeTerms? Probe { get; init; }

    /// <summary>That the operator speaks, see <see cref="ProtocolVersion"/>; null = 1.0.</summary>
    public string? Protocol { get; init; }

    /// <summary>Seconds between SIGTERM and SIGKILL when the worker is told to stop. Default 30.</summary>
    public required int DrainGraceSeconds { get; init; }
}

/// <summary>The fence of R2: scene, attempt and pod, and with a lease also its uid and slot token.</summary>
/// <param name="LeaseUid">Null when the attempt holds no lease.</param>
/// <param name="SlotToken">Token of the slot at grant; 0 without a lease.</param>
public sealed record AttemptRef(string TaskUid, int Scene, int Attempt, string PodUid, string? LeaseUid, long SlotToken);

/// <param name="Id">Stable device id: an NVIDIA UUID or a static name.</param>
/// <param name="Kind"><c>Gpu</c> (real hardware) or <c>Software</c> (a slot without hardware).</param>
public sealed record LeasedDevice(string Id, int Index, string Name, string Kind, int Slot);

/// <param name="Name">Name of the Engine resource.</param>
/// <param name="Kind">Built-in driver that runs it: <c>FfmpegTranscode</c> today.</param>
/// <param name="Parameters">Checked and defaulted parameters, as JSON scalars in text form keyed by parameter name.</param>
public sealed record EngineCall(string Name, string Kind, IReadOnlyDictionary<string, string> Parameters);

/// <param name="Uri">
/// <c>http(s)://…</c> presigned by the operator when <see cref="Presigned"/>, else what the user wrote: <c>file://</c> or <c>http(s)://</c>.
/// </param>
/// <param name="DisplayUri">What to show to people: never contains a signature.</param>
/// <param name="Presigned">True for URLs made by the operator: fetched without the address check for users' URLs.</param>
/// <param name="AllowedRoots">Directories under which a <c>file://</c> input may lie.</param>
/// <param name="AllowedHosts">Host names or addresses excused from the refusal of private and loopback addresses.</param>
/// <param name="MaxBytes">Largest input accepted.</param>
public sealed record InputSource(
    string Uri, string DisplayUri, bool Presigned, IReadOnlyList<string> AllowedRoots, IReadOnlyList<string> AllowedHosts, long MaxBytes);

/// <param name="Key">Staging key of this attempt; carries attempt and token.</param>
/// <param name="PutUrl">Presigned PUT; the worker sends <c>If-None-Match: *</c> and <see cref="ContentType"/>.</param>
public sealed record OutputTarget(string Key, string PutUrl, string ContentType, long MaxBytes);

/// <param name="CpuSeconds">CPU time of the engine's processes; 0 = unlimited.</param>
/// <param name="MemoryBytes">Address space of the engine's processes; 0 = unlimited.</param>
/// <param name="Threads">Threads for the engine; 0 = the engine's own default.</param>
public sealed record Limits(long CpuSeconds, long MemoryBytes, int Threads);
