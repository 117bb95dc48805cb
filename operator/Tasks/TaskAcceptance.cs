using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Framelease.Domain.Tasks;
using Framelease.Operator.Leases;
using Framelease.Operator.Status;
using Framelease.Operator.Tenants;
using Framelease.Resources;

namespace Framelease.Operator.Tasks;

/// <summary>
/// Whether a task can be accepted: a pure function of its spec and of the engines, tenants and pools that exist. What is missing may come later (an
/// <see cref="Outcome.Waits"/>); what is wrong stays wrong, because a spec is immutable (<see cref="Outcome.Refused"/>).
/// </summary>
static class TaskAcceptance
{
    public abstract record Outcome
    {
        Outcome()
        {
        }

        public sealed record Accepted(TaskAccepted Event) : Outcome;

        public sealed record Refused(string Reason, string Message) : Outcome;

        public sealed record Waits(Obstacle Obstacle) : Outcome;
    }

    /// <summary>The parameter that a scene has a field of its own for.</summary>
    const string Prompt = "prompt";

    /// <param name="inputRoots">Directories under which file:// inputs may lie.</param>
    /// <param name="known">Tasks whose outputs the spec names as input, as the log tells them.</param>
    public static Outcome Check(
        VideoTask task, IReadOnlyCollection<Engine> engines, IReadOnlyCollection<Tenant> tenants, IReadOnlyCollection<GpuPool> pools, IReadOnlyList<string> inputRoots,
        IReadOnlyDictionary<string, TaskState> known)
    {
        var spec = task.Spec;
        var (tenant, whyNot) = TenantBinding.Of(task.Metadata.Namespace!, spec.Tenant, tenants);
        if (tenant is null)
            return new Outcome.Waits(whyNot!);
        if (TenantBinding.ComplaintAboutBoost(tenant, spec.PriorityBoost ?? 0) is { } tooHigh)
            return new Outcome.Waits(tooHigh);
        if (engines.FirstOrDefault(e => e.Metadata.Name == spec.Engine) is not { } engine)
            return Waits("EngineNotFound", $"spec.engine: there is no Engine \"{spec.Engine}\"; {Known("engines", engines.Select(e => e.Metadata.Name))}");
        var works = new List<SceneWork>();
        foreach (var (scene, path) in Scenes(spec))
        {
            var (work, complaint) = Work(scene, path, spec, engine, inputRoots, known);
            if (work is null)
                return complaint!;
            works.Add(work);
        }

        if (spec.Timeouts is { HeartbeatTimeoutSeconds: { } timeout, HeartbeatIntervalSeconds: { } interval } && timeout < 2 * interval)
            return new Outcome.Refused("TimeoutsInvalid", $"spec.timeouts.heartbeatTimeoutSeconds: {timeout} is less than twice the interval of {interval}");
        var needsLease = engine.Spec.Device is not EngineDevice.Cpu;
        var pool = spec.Pool ?? "default";
        var lender = pools.FirstOrDefault(p => p.Metadata.Name == pool);
        if (needsLease && lender is null)
            return Waits("PoolNotFound", $"spec.pool: there is no GpuPool \"{pool}\"; {Known("pools", pools.Select(p => p.Metadata.Name))}");
        if (needsLease && LeaseTermsPolicy.Of(AttemptObjects.LeaseSpec(task, pool, works[0]), lender, "spec.timeouts").WhyNot is { } beyond)
            return new Outcome.Waits(beyond);
        return new Outcome.Accepted(new TaskAccepted(
            task.Metadata.Uid!, task.Metadata.Namespace!, task.Metadata.Name!, tenant.Metadata.Name!, spec.Engine, pool, HashOf(spec),
            works[0].Input, works[0].Parameters, works.Count, spec.BackoffLimit ?? 3, needsLease)
        {
            ActiveDeadlineSeconds = spec.ActiveDeadlineSeconds,
            SceneWorks = spec.Scenes is null ? null : works,
        });
    }

    // Where it is said in the spec, too, for what is wrong with it.
    static IEnumerable<(VideoScene Scene, string Path)> Scenes(VideoTaskSpec spec) =>
        spec.Scenes?.Select((scene, i) => (scene, $"spec.scenes[{i}]")) ?? [(new VideoScene(), "spec")];

    static (SceneWork? Work, Outcome? Complaint) Work(
        VideoScene scene, string path, VideoTaskSpec spec, Engine engine, IReadOnlyList<string> inputRoots,
        IReadOnlyDictionary<string, TaskState> known)
    {
        if ((scene.Input ?? spec.Input) is not { } input)
            return (null, new Outcome.Refused("InputInvalid", $"{path}.input: neither the scene nor the task has an input"));
        var (source, complaint) = TaskInputs.Resolve(input, scene.Input is null ? "spec.input" : path + ".input", inputRoots, known);
        if (source is null)
            return (null, complaint);
        var parameters = Texts(spec.Parameters);
        foreach (var (name, value) in Texts(scene.Parameters))
            parameters[name] = value;
        if (scene.Prompt is { } prompt)
        {
            if (scene.Parameters?.ContainsKey(Prompt) is true)
                return (null, Wrong($"{path}.prompt and {path}.parameters.{Prompt} exclude each other; set one"));
            parameters[Prompt] = prompt;
        }

        var (checkedParameters, wrong) = ParameterCheck.Check(Rules(engine), parameters);
        if ((wrong ?? Contradiction(checkedParameters!)) is { } why)
            return (null, Wrong(spec.Scenes is null ? why : $"{path}: {why}"));
        return (new SceneWork(source, checkedParameters!), null);
    }

    static Outcome.Refused Wrong(string why) => new("ParameterInvalid", why);

    // A field that a later version adds, and nobody set, changes no hash.
    static readonly JsonSerializerOptions Canonical = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>sha256 of the JSON of what the spec wants done: fields that are set, and parameters in a fixed order.</summary>
    public static string HashOf(VideoTaskSpec spec)
    {
        var canonical = spec with
        {
            Parameters = Sorted(spec.Parameters),
            Scenes = spec.Scenes?.Select(s => s with { Parameters = Sorted(s.Parameters) }).ToList(),
            Suspend = null,
            Cancel = null,
            TtlSecondsAfterFinished = null,
        };
        return Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(canonical, Canonical)));
    }

    static SortedDictionary<string, JsonElement>? Sorted(IReadOnlyDictionary<string, JsonElement>? parameters) =>
        parameters is null ? null : new(parameters.ToDictionary(), StringComparer.Ordinal);

    static string? Contradiction(IReadOnlyDictionary<string, string> parameters) =>
        parameters.ContainsKey("crf") && parameters.ContainsKey("bitrateKbps") ? "parameters.crf and parameters.bitrateKbps exclude each other; set one" : null;

    static ParameterCheck.Rule[] Rules(Engine engine) => [.. (engine.Spec.Parameters ?? []).Select(p => new ParameterCheck.Rule(
        p.Name, Enum.Parse<ParameterKind>(p.Type.ToString()), p.Values ?? [], p.Minimum, p.Maximum, p.Default, p.MaxLength))];

    static Dictionary<string, string> Texts(IReadOnlyDictionary<string, JsonElement>? parameters) => (parameters ?? new Dictionary<string, JsonElement>(StringComparer.Ordinal))
        .ToDictionary(p => p.Key, p => p.Value.ValueKind is JsonValueKind.String ? p.Value.GetString()! : p.Value.GetRawText(), StringComparer.Ordinal);

    static Outcome.Waits Waits(string reason, string message) => new(new Obstacle(reason, message));

    static string Known(string what, IEnumerable<string?> names)
    {
        var known = names.Order(StringComparer.Ordinal).Take(10).ToList();
        return known.Count == 0 ? $"there are no {what} yet" : $"known {what}: {string.Join(", ", known)}";
    }
}
