using Framelease.EventStore;

namespace Framelease.Benchmarks.EventStore;

/// <summary>The view that is kept and rebuilt: frames a stream, folded so that a batch is one statement.</summary>
static class FrameView
{
    static readonly ViewTable Table = new("frame_view");

    public static Projection Projection { get; } = new()
    {
        Name = "frames",
        Events = ["frame_coded"],
        Tables = [Table],
        Project = (events, view) =>
        {
            var rows = new Dictionary<string, (long Events, long Frames, EventValue Last)>(StringComparer.Ordinal);
            foreach (var e in events)
            {
                var row = rows.GetValueOrDefault(e.Stream);
                rows[e.Stream] = (row.Events + 1, row.Frames + ((FrameCoded)e.Data).Frames, e.Timestamp);
            }

            view.Execute($"""
                insert into {Table} as v (stream, events, frames, last_at)
                select * from unnest({rows.Keys.ToArray()}, {rows.Values.Select(r => r.Events).ToArray()},
                  {rows.Values.Select(r => r.Frames).ToArray()}, {rows.Values.Select(r => r.Last).ToArray()})
                on conflict (stream) do update set events = v.events + excluded.events, frames = v.frames + excluded.frames,
                    last_at = excluded.last_at
                """);
        },
    };

    public static SchemaScripts Schema { get; } = new(
        "benchmark",
        [
            new SchemaScript(1, "frame_view", """
                create table framelease.frame_view (
                  stream varchar constraint frame_view_pkey primary key, events bigint not null, frames bigint not null,
                      last_at timestamptz not null)
                """),
        ],
        []);
}
