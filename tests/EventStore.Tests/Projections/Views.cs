// The views of the tests: what each parcel weighs and where it is, and how many chutes handled how many parcels.
using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Projections;

public static class Views
{
    public static readonly ViewTable Parcels = new("parcel_view");

    public static readonly ViewTable Chutes = new("chute_view");

    /// <summary>Fields of each kind that PostgreSQL decides, and of the event's own; one statement an event.</summary>
    public static Projection ParcelView(string name = "parcels", int version = 1) => new()
    {
        Name = name,
        Version = version,
        Events = ["parcel_accepted", "parcel_sorted", "parcel_handed_over"],
        Tables = [Parcels],
        Project = (events, view) =>
        {
            foreach (var e in events)
            {
                if (e.Data is ParcelAccepted accepted)
                {
                    view.Execute($"""
                        insert into {Parcels} as v (parcel, sender, grams, size, first_at, last_at, last_sequence, last_version, events)
                        values ({e.Stream}, {accepted.Sender}, {accepted.Grams}, {accepted.Size.ToString()},
                          {e.Timestamp}, {e.Timestamp}, {e.Sequence}, {e.Version}, 1)
                        on conflict (parcel) do update set events = v.events + 1,
                          last_at = excluded.last_at, last_sequence = excluded.last_sequence, last_version = excluded.last_version
                        """);
                    continue;
                }

                view.Execute($"""
                    insert into {Parcels} as v (parcel, first_at, last_at, last_sequence, last_version, events)
                    values ({e.Stream}, {e.Timestamp}, {e.Timestamp}, {e.Sequence}, {e.Version}, 1)
                    on conflict (parcel) do update set events = v.events + 1,
                      last_at = excluded.last_at, last_sequence = excluded.last_sequence, last_version = excluded.last_version
                    """);
            }
        },
    };

    /// <summary>Folded: one statement a batch.</summary>
    public static Projection ChuteView(string name = "chutes", int version = 1) => new()
    {
        Name = name,
        Version = version,
        Events = ["parcel_sorted"],
        Tables = [Chutes],
        Project = (events, view) =>
        {
            var chutes = events.GroupBy(e => ((ParcelSorted)e.Data).Chute).OrderBy(g => g.Key).ToList();
            view.Execute($"""
                insert into {Chutes} as v (chute, parcels, last_at, last_sequence)
                select * from unnest({chutes.Select(g => g.Key).ToArray()}, {chutes.Select(g => g.LongCount()).ToArray()},
                  {chutes.Select(g => g.Last().Timestamp).ToArray()}, {chutes.Select(g => g.Last().Sequence).ToArray()})
                on conflict (chute) do update set parcels = v.parcels + excluded.parcels,
                  last_at = excluded.last_at, last_sequence = excluded.last_sequence
                """);
        },
    };

    public static SchemaScripts Schema { get; } = new("views of the tests",
        [
            new(1, "parcel_view", """
                create table framelease.parcel_view (
                  parcel varchar not null, sender text, grams int, size text, first_at timestamptz not null, last_at timestamptz not null,
                  last_sequence bigint not null, last_version bigint not null, events int not null default 0 check (events > 0),
                  constraint parcel_view_pkey primary key (parcel)) with (fillfactor = 80);
                create index parcel_view_by_sender on framelease.parcel_view (sender, last_at desc) where sender is not null;
                """),
            new(2, "chute_view", """
                create table framelease.chute_view (
                  chute int not null, parcels bigint not null, last_at timestamptz not null, last_sequence bigint not null,
                  constraint chute_view_pkey primary key (chute));
                """),
        ], []);
}
