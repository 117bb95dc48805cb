// Lists of tasks, from the view that is written with the events.
using Framelease.Operator.Ledger.Sql;

namespace Framelease.Operator.Monitoring;

sealed partial class PlatformReads
{
    // The phases that the resource shows; an attempt that has started and not ended makes its task Running.
    const string TaskPhaseColumn = """
        case when t.phase = 'Succeeded' then 'Succeeded' when t.phase in ('Failed', 'Cancelled', 'Rejected') then 'Failed'
             when t.is_suspended then 'Suspended'
             when exists (select from framelease.attempts a where a.task_uid = t.uid and a.state in ('Started', 'Attached')) then 'Running'
             else 'Queued' end
        """;

    public Task<IReadOnlyList<TaskRow>> ReadTasksAsync(TaskFilter filter, CancellationToken cancel) => RowsAsync(
        Statement.Of(
            $"""
            select * from (
              select t.uid, t.namespace, t.name, t.tenant, t.engine, {TaskPhaseColumn} as shown, t.reason, t.scenes, t.scenes_done, t.attempts,
                     t.created_at, t.started_at, t.ended_at, t.output, t.accepted_seq
                from framelease.tasks t
               where ($1::varchar is null or t.namespace = $1) and ($2::varchar is null or t.tenant = $2) and ($3::varchar is null or t.engine = $3)
                 and ($4::timestamptz is null or t.created_at >= $4::timestamptz) and ($5::timestamptz is null or t.created_at < $5::timestamptz) and t.accepted_seq < $6
                 and ($7::varchar is null or t.phase = any($8))) as t
             where $7::varchar is null or t.shown = $7 order by t.accepted_seq desc, t.uid limit $9
            """,
            filter.Namespace, filter.Tenant, filter.Engine, filter.Since, filter.Until,
            filter.Before ?? long.MaxValue, filter.Phase, TaskFilter.Stored(filter.Phase), filter.Limit),
        r => new TaskRow(
            r.GetString(0), r.GetString(1), r.GetString(2), Text(r, 3), Text(r, 4), r.GetString(5), Text(r, 6), r.GetInt32(7), r.GetInt32(8),
            r.GetInt32(9), r.GetFieldValue<DateTimeOffset>(10), Time(r, 11), Time(r, 12), Text(r, 13), r.GetInt64(14)),
        cancel);
}

/// <summary>A task as lists show it, also after its object is gone.</summary>
/// <param name="Phase">As the resource shows it, from its acceptance on: Suspended, Queued, Running, Succeeded or Failed.</param>
/// <param name="Reason">Why it failed.</param>
/// <param name="Attempts">Attempts started over all scenes.</param>
/// <param name="CreatedAt">When it was accepted, or refused.</param>
/// <param name="Output">Of a task of one scene; those of several are in the task itself.</param>
/// <param name="Sequence">Of its acceptance in the log; lists go on from it.</param>
sealed record TaskRow(
    string Uid, string Namespace, string Name, string? Tenant, string? Engine, string Phase, string? Reason, int Scenes, int ScenesDone, int Attempts,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, string? Output,
    [property: System.Text.Json.Serialization.JsonIgnore] long Sequence);

/// <param name="Since">Accepted then or later.</param>
/// <param name="Until">Accepted before.</param>
/// <param name="Before">Only acceptances before this number of the log; null = from the newest on.</param>
sealed record TaskFilter(
    string? Namespace, string? Tenant, string? Engine, string? Phase, DateTimeOffset? Since, DateTimeOffset? Until, long? Before, int Limit)
{
    public static readonly string[] Phases = ["Suspended", "Queued", "Running", "Succeeded", "Failed"];

    /// <summary>The view's own phases that may be shown as this one.</summary>
    public static string[] Stored(string? phase) => phase switch
    {
        "Succeeded" => ["Succeeded"],
        "Failed" => ["Failed", "Cancelled", "Rejected"],
        _ => ["Accepted", "Admitted"],
    };
}
