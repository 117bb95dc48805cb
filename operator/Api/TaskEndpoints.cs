using System.Text.Json;
using System.Text.Json.Serialization;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Api;

/// <summary>
/// <c>/api/v1/tasks</c>: lists from a view and one task from its events, also after the object is gone; and create and cancel for programs that do not speak
/// Kubernetes. <c>/api/v1/engines</c>: what can be made.
/// </summary>
static class TaskEndpoints
{
    /// <summary>Fifty scenes with the longest prompts.</summary>
    const long MostTaskBytes = 1024 * 1024;

    static readonly QueryParameter Namespace = new("namespace", "Tells objects of one name apart");

    static readonly QueryParameter[] Filters =
    [
        new("namespace", "Only of this namespace: then the right to list there is enough"), new("tenant", "Only of this tenant"),
        new("engine", "Only of this engine"), new("phase", "Only in this phase: " + string.Join(", ", TaskFilter.Phases)),
        new("since", "Accepted then or later, as 2026-01-31T14:02:00Z"), new("until", "Accepted before"),
        new("limit", $"1 to {ApiQuery.MostLimit}; default {ApiQuery.DefaultLimit}", "integer"), new("continue", "From the page before"),
    ];

    /// <param name="engines">Null while they are not known yet.</param>
    public static void Map(
        ApiRoutes api, IPlatformReads reads, ILedger ledger, TaskOrders orders, Func<IReadOnlyCollection<Engine>?> engines, Authorizer authorizer)
    {
        api.Get("/api/v1/tasks", "Tasks, latest accepted first", TaskJson.Default.PageTaskRow, async (context, cancel) =>
        {
            var filter = Filter(context);
            await authorizer.RequireAsync(context, "list", "videotasks", filter.Namespace, null, cancel);
            // One more than asked for tells whether there is a next page.
            var found = await reads.ReadTasksAsync(filter with { Limit = filter.Limit + 1 }, cancel);
            return found.Count > filter.Limit
                ? new Page<TaskRow>([.. found.Take(filter.Limit)], ApiQuery.ContinueAt(found[filter.Limit - 1].Sequence))
                : new Page<TaskRow>(found, null);
        }, Filters);
        api.Get("/api/v1/tasks/{id}", "A task, as its events tell it", TaskJson.Default.TaskDetail, async (context, cancel) =>
        {
            var task = await HistoryEndpoints.FindAsync(context, ledger, authorizer, "task", "videotasks", cancel);
            return Detail(task, (await ledger.LoadTaskAsync(task.Uid, cancel)).State);
        }, Namespace);
        api.Post(
            "/api/v1/tasks", "Create a task", TaskJson.Default.CreateTaskRequest, TaskJson.Default.CreatedTask, async (context, request, cancel) =>
            {
                var user = await authorizer.RequireAsync(context, "create", "videotasks", request.Namespace ?? "default", null, cancel);
                var (made, isNew) = await orders.CreateAsync(user, request, IdempotencyKey.Of(context), cancel);
                if (isNew)
                    context.Response.StatusCode = 201;
                context.Response.Headers.Location = $"/api/v1/tasks/{made.Uid}";
                return made;
            }, creates: true, MostTaskBytes);
        api.Post("/api/v1/tasks/{id}/cancel", "End a task for good", TaskJson.Default.CreatedTask, async (context, cancel) =>
        {
            var task = await HistoryEndpoints.FindAsync(context, ledger, authorizer, "task", "videotasks", cancel, "update");
            return await orders.CancelAsync(task, cancel);
        }, Namespace);
        api.Get("/api/v1/engines", "What can be made, and with which parameters", TaskJson.Default.ItemListEngineRow, async (context, cancel) =>
        {
            await authorizer.RequireAsync(context, "list", "engines", null, null, cancel);
            var known = engines() ?? throw new HttpProblem(503, "Unavailable", "this replica has only just started; try again");
            return new ItemList<EngineRow>([.. known.OrderBy(e => e.Metadata.Name, StringComparer.Ordinal).Select(Row)]);
        });
    }

    static TaskFilter Filter(HttpContext context)
    {
        var phase = ApiQuery.Text(context, "phase");
        if (phase is not null && !TaskFilter.Phases.Contains(phase, StringComparer.Ordinal))
            throw new HttpProblem(400, "Invalid", $"phase: \"{phase}\"; allowed is {string.Join(", ", TaskFilter.Phases)}");
        return new TaskFilter(
            ApiQuery.Text(context, "namespace"), ApiQuery.Text(context, "tenant"), ApiQuery.Text(context, "engine"), phase,
            ApiQuery.Time(context, "since"), ApiQuery.Time(context, "until"), ApiQuery.Continue(context), ApiQuery.Limit(context));
    }

    static TaskDetail Detail(NamedStream task, TaskState state)
    {
        var at = state.EndedAt ?? state.StartedAt ?? state.AcceptedAt ?? default;
        var status = TaskStatusView.Of(state, null, null, null, new Dictionary<int, LeaseState>(), at, null);
        var works = state.Accepted is { } a ? Enumerable.Range(0, a.Scenes).Select(a.WorkOf).ToList() : [];
        return new TaskDetail(
            task.Uid, task.Namespace, task.Name, state.Accepted?.Tenant, state.Accepted?.Engine, state.Accepted?.Pool, state.AcceptedAt, works, status);
    }

    static EngineRow Row(Engine engine)
    {
        var ready = engine.Status?.Conditions?.FirstOrDefault(c => c.Type == "Ready");
        return new EngineRow(
            engine.Metadata.Name!, engine.Spec.Driver.ToString(), engine.Spec.Device?.ToString() ?? nameof(EngineDevice.GpuPreferred),
            ready?.Status == "True", ready?.Message,
            [
                .. (engine.Spec.Parameters ?? []).Select(p => new ParameterRow(
                    p.Name, p.Type.ToString(), p.Description, p.Values, p.Minimum, p.Maximum, p.MaxLength, p.Default)),
            ]);
    }
}

/// <summary>A task as its events tell it.</summary>
/// <param name="Scenes">What each scene is made of; one scene, unless the task has several. Empty for a task that was refused.</param>
/// <param name="Status">As the object shows it; what it waits for, only the object knows.</param>
sealed record TaskDetail(
    string Uid, string Namespace, string Name, string? Tenant, string? Engine, string? Pool, DateTimeOffset? CreatedAt, IReadOnlyList<SceneWork> Scenes,
    VideoTaskStatus Status);

/// <param name="Namespace">Default "default".</param>
/// <param name="Name">Default: made from the Idempotency-Key, or made up.</param>
/// <param name="Spec">As in a VideoTask.</param>
sealed record CreateTaskRequest(JsonElement Spec, string? Namespace = null, string? Name = null);

sealed record CreatedTask(string Uid, string Namespace, string Name);

/// <param name="Message">What is missing, when it is not ready.</param>
sealed record EngineRow(string Name, string Driver, string Device, bool Ready, string? Message, IReadOnlyList<ParameterRow> Parameters);

/// <param name="Type">Integer, Enum, Boolean or String.</param>
sealed record ParameterRow(
    string Name, string Type, string? Description, IReadOnlyList<string>? Values, long? Minimum, long? Maximum, int? MaxLength, string? Default);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Page<TaskRow>))]
[JsonSerializable(typeof(TaskDetail))]
[JsonSerializable(typeof(CreateTaskRequest))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(CreatedTask))]
[JsonSerializable(typeof(ItemList<EngineRow>))]
sealed partial class TaskJson : JsonSerializerContext;
