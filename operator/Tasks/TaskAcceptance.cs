using System.Security.Cryptography;
using System.Text.Json;
using Framelease.Domain.Tasks;
using Framelease.Operator.Status;
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

    /// <param name="inputRoots">Directories under which file:// inputs may lie.</param>
    public static Outcome Check(
        VideoTask task, IReadOnlyCollection<Engine> engines, IReadOnlyCollection<Tenant> tenants, IReadOnlyCollection<GpuPool> pools, IReadOnlyList<string> inputRoots)
    {
        var spec = task.Spec;
        var (tenant, whyNot) = TenantOf(task, tenants);
        if (tenant is null)
            return Waits("TenantNotAllowed", whyNot!);
        if (engines.FirstOrDefault(e => e.Metadata.Name == spec.Engine) is not { } engine)
            return Waits("EngineNotFound", $"spec.engine: there is no Engine \"{spec.Engine}\"; {Known("engines", engines.Select(e => e.Metadata.Name))}");
        if (ComplaintAboutInput(spec.Input, inputRoots) is { } complaint)
            return complaint;
        var checkedParameters = ParameterCheck.Check(Rules(engine), Texts(spec.Parameters));
        if (checkedParameters.Complaint is { } wrong)
            return new Outcome.Refused("ParameterInvalid", wrong);
        if (Contradiction(checkedParameters.Parameters!) is { } contradiction)
            return new Outcome.Refused("ParameterInvalid", contradiction);
        if (spec.Timeouts is { HeartbeatTimeoutSeconds: { } timeout, HeartbeatIntervalSeconds: { } interval } && timeout < 2 * interval)
            return new Outcome.Refused("TimeoutsInvalid", $"spec.timeouts.heartbeatTimeoutSeconds: {timeout} is less than twice the interval of {interval}");
        var needsLease = engine.Spec.Device is not EngineDevice.Cpu;
        var pool = spec.Pool ?? "default";
        if (needsLease && pools.All(p => p.Metadata.Name != pool))
            return Waits("PoolNotFound", $"spec.pool: there is no GpuPool \"{pool}\"; {Known("pools", pools.Select(p => p.Metadata.Name))}");
        return new Outcome.Accepted(new TaskAccepted(
            task.Metadata.Uid!, task.Metadata.Namespace!, task.Metadata.Name!, tenant, spec.Engine, pool, HashOf(spec),
            new TaskInput(spec.Input.Object, spec.Input.Uri), checkedParameters.Parameters!, Scenes: 1, spec.BackoffLimit ?? 3, needsLease));
    }

    /// <summary>sha256 of the spec's JSON, fields and parameters in a fixed order.</summary>
    public static string HashOf(VideoTaskSpec spec)
    {
        var canonical = spec with
        {
            Parameters = spec.Parameters is null ? null : new SortedDictionary<string, JsonElement>(spec.Parameters.ToDictionary(), StringComparer.Ordinal),
        };
        return Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(canonical, JsonSerializerOptions.Web)));
    }

    // R13: only Tenant.spec.namespaces binds; the spec may name that tenant, never another.
    static (string? Name, string? Why) TenantOf(VideoTask task, IReadOnlyCollection<Tenant> tenants)
    {
        var ns = task.Metadata.Namespace!;
        var owners = tenants.Where(t => t.Spec.Namespaces.Contains(ns)).Select(t => t.Metadata.Name!).Order(StringComparer.Ordinal).ToList();
        return owners switch
        {
            [] => (null, $"no Tenant names namespace \"{ns}\" in spec.namespaces; add it to one"),
            [var only] when task.Spec.Tenant is { } wish && wish != only => (null, $"spec.tenant: namespace \"{ns}\" belongs to tenant \"{only}\", not to \"{wish}\""),
            [var only] => (only, null),
            _ => (null, $"namespace \"{ns}\" is named by several tenants ({string.Join(", ", owners)}) and belongs to none; keep it in one"),
        };
    }

    static Outcome.Refused? ComplaintAboutInput(VideoInput input, IReadOnlyList<string> roots)
    {
        if (input.Object is null == input.Uri is null)
            return new Outcome.Refused("InputInvalid", "spec.input: exactly one of object and uri must be set");
        if (input.Object is { } key)
        {
            return key.StartsWith('/') || key.Split('/').Any(s => s is "" or "." or "..") || key.Any(char.IsControl)
                ? new Outcome.Refused("InputInvalid", "spec.input.object: a key has no empty, \".\" or \"..\" segment, no leading slash and no control character")
                : null;
        }

        if (!Uri.TryCreate(input.Uri, UriKind.Absolute, out var uri) || uri.Scheme is not ("file" or "http" or "https"))
            return new Outcome.Refused("InputInvalid", "spec.input.uri: allowed are file://, http:// and https://; for the object store use spec.input.object");
        if (uri.Scheme is not "file")
            return null;
        if (roots.Count == 0)
            return new Outcome.Refused("InputNotAllowed", "spec.input.uri: file:// is not allowed here; start the platform with --input-root DIR, or use spec.input.object");
        var path = Path.GetFullPath(uri.LocalPath);
        return uri.Host.Length > 0 || !roots.Any(r => path.StartsWith(Path.TrimEndingDirectorySeparator(Path.GetFullPath(r)) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            ? new Outcome.Refused("InputNotAllowed", $"spec.input.uri: {path} is outside the allowed roots ({string.Join(", ", roots)})")
            : null;
    }

    static string? Contradiction(IReadOnlyDictionary<string, string> parameters) =>
        parameters.ContainsKey("crf") && parameters.ContainsKey("bitrateKbps") ? "parameters.crf and parameters.bitrateKbps exclude each other; set one" : null;

    static ParameterCheck.Rule[] Rules(Engine engine) => [.. (engine.Spec.Parameters ?? []).Select(p => new ParameterCheck.Rule(
        p.Name, Enum.Parse<ParameterKind>(p.Type.ToString()), p.Values ?? [], p.Minimum, p.Maximum, p.Default))];

    static Dictionary<string, string> Texts(IReadOnlyDictionary<string, JsonElement>? parameters) => (parameters ?? new Dictionary<string, JsonElement>(StringComparer.Ordinal))
        .ToDictionary(p => p.Key, p => p.Value.ValueKind is JsonValueKind.String ? p.Value.GetString()! : p.Value.GetRawText(), StringComparer.Ordinal);

    static Outcome.Waits Waits(string reason, string message) => new(new Obstacle(reason, message));

    static string Known(string what, IEnumerable<string?> names)
    {
        var known = names.Order(StringComparer.Ordinal).Take(10).ToList();
        return known.Count == 0 ? $"there are no {what} yet" : $"known {what}: {string.Join(", ", known)}";
    }
}
