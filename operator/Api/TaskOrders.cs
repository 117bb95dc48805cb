using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Operator.Ledger;
using Framelease.Resources;

namespace Framelease.Operator.Api;

/// <summary>
/// What programs ask for over HTTP becomes what people would have applied: a VideoTask, or a field of one. Whether the caller may, was asked before.
/// </summary>
sealed class TaskOrders(IKubernetesClient kubernetes, ILedger ledger)
{
    static readonly ResourceRef Tasks = ResourceRef.Of<VideoTask>();

    /// <param name="key">The caller's word for this very request; null = every request makes a task.</param>
    /// <returns>The task, and whether this request made it.</returns>
    /// <exception cref="HttpProblem">What the API server refused, in its words; 422 IdempotencyKeyReused.</exception>
    public async Task<(CreatedTask Task, bool IsNew)> CreateAsync(string user, CreateTaskRequest request, string? key, CancellationToken cancel)
    {
        if (request.Spec.ValueKind is not JsonValueKind.Object)
            throw new HttpProblem(400, "Invalid", "spec: must be an object, as in a VideoTask");
        if (key is not null && request.Name is not null)
            throw new HttpProblem(400, "Invalid", $"name: with {IdempotencyKey.Header} the name is made from it; leave out one of both");
        var ns = request.Namespace ?? "default";
        if (ns.Length is < 1 or > 63 || !ns.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            throw new HttpProblem(400, "Invalid", "namespace: 1 to 63 characters, of a-z, 0-9 and \"-\"");
        var wish = Digest(JsonSerializer.Serialize(request.Spec, TaskJson.Default.JsonElement));
        // Deterministic, so that replicas that are asked at once, or after a crash, make the same one.
        var name = request.Name ?? (key is null ? null : $"task-{Digest($"{user}\0{ns}\0{key}")[..20]}");
        if (key is not null && await ReplayAsync(ns, name!, wish, cancel) is { } before)
            return (before, false);
        try
        {
            var made = await kubernetes.CreateAsync(
                Tasks, Object(ns, name, user, wish, request.Spec), new WriteOptions { FieldValidation = "Strict" }, cancel);
            return (Of(made), true);
        }
        catch (KubernetesException e) when (e.IsAlreadyExists && key is not null)
        {
            return (await ReplayAsync(ns, name!, wish, cancel) ?? throw new HttpProblem(503, "Unavailable", "the task was deleted just now; try again"),
                false);
        }
        catch (KubernetesException e) when (e.Code is >= 400 and < 500 && !e.IsTransient)
        {
            throw new HttpProblem(e.Code, e.Reason, e.Message);
        }
    }

    /// <exception cref="HttpProblem">404 when the object is gone, 409 when the task has ended.</exception>
    public async Task<CreatedTask> CancelAsync(NamedStream task, CancellationToken cancel)
    {
        if ((await ledger.LoadTaskAsync(task.Uid, cancel)).State is { IsEnded: true, Phase: var phase })
            throw new HttpProblem(409, "TaskEnded", $"the task is {phase} already");
        if ((await kubernetes.FindAsync<VideoTask>(task.Name, task.Namespace, cancel))?.Metadata.Uid != task.Uid)
            throw new HttpProblem(404, "NotFound", $"VideoTask {task.Namespace}/{task.Name} of uid {task.Uid} is gone; its task ends by itself");
        try
        {
            await kubernetes.PatchAsync<VideoTask>(
                task.Name, task.Namespace, Patch.Merge(new { metadata = new { uid = task.Uid }, spec = new { cancel = true } }), ct: cancel);
        }
        catch (KubernetesException e) when (e.IsConflict || e.IsNotFound)
        {
            throw new HttpProblem(409, "Conflict", "the task was changed at this moment; try again");
        }

        return new CreatedTask(task.Uid, task.Namespace, task.Name);
    }

    // The log outlives the object: what was made under a key once is not made a second time, even if it was deleted since.
    async Task<CreatedTask?> ReplayAsync(string ns, string name, string wish, CancellationToken cancel)
    {
        if (await kubernetes.FindAsync<VideoTask>(name, ns, cancel) is { } found)
        {
            return found.Metadata.Annotations?.GetValueOrDefault(ApiGroup.RequestAnnotation) == wish
                ? new CreatedTask(found.Metadata.Uid!, ns, name)
                : throw new HttpProblem(
                    422, "IdempotencyKeyReused", $"{IdempotencyKey.Header} was used for another task ({ns}/{name}); choose a new key for a new request");
        }

        return await ledger.FindByNameAsync("task", ns, name, cancel) is { } task ? new CreatedTask(task.Uid, task.Namespace, task.Name) : null;
    }

    static JsonObject Object(string ns, string? name, string user, string wish, JsonElement spec)
    {
        var metadata = new JsonObject
        {
            ["namespace"] = ns,
            ["annotations"] = new JsonObject { [ApiGroup.RequestedByAnnotation] = user, [ApiGroup.RequestAnnotation] = wish },
        };
        if (name is null)
            metadata["generateName"] = "task-";
        else
            metadata["name"] = name;
        return new JsonObject
        {
            ["apiVersion"] = ApiGroup.ApiVersion, ["kind"] = nameof(VideoTask), ["metadata"] = metadata, ["spec"] = JsonObject.Create(spec),
        };
    }

    static CreatedTask Of(JsonObject task) =>
        new((string)task["metadata"]!["uid"]!, (string)task["metadata"]!["namespace"]!, (string)task["metadata"]!["name"]!);

    static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
