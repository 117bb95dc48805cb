// PostgreSQL in memory: streams with expected versions, slot rows with guards, one clock. A commit happens whole or not at all.
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Ended = System.Collections.Immutable.ImmutableDictionary<(int Scene, int Attempt), Framelease.Domain.Tasks.AttemptEnd>;

namespace Framelease.Domain.Tests.Histories;

sealed class World
{
    static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(), new EndedConverter() },
    };

    readonly List<(string Stream, object Event, DateTimeOffset At)> _log = [];
    readonly HashSet<Type> _recorded = [];
    int _seconds;

    public World(IEnumerable<SlotKey> slots) => Now = new Snapshot(
        ImmutableSortedDictionary<string, Versioned<TaskState>>.Empty,
        ImmutableSortedDictionary<string, Versioned<LeaseState>>.Empty,
        slots.ToImmutableSortedDictionary(k => k.ToString(), k => new SlotSnapshot(k, "pool", SlotState.Free, 0, null, "Card", "Gpu", 0)));

    public Snapshot Now { get; private set; }

    public DateTimeOffset Time => Noon.AddSeconds(_seconds);

    /// <summary>Kinds of events that were committed.</summary>
    public IReadOnlySet<Type> Recorded => _recorded;

    /// <returns>False when a stream or a slot is no longer as the plan's author saw it: then nothing happened.</returns>
    public bool Commit(Snapshot seen, Plan plan)
    {
        if (plan.Tasks.Keys.Any(t => seen.Task(t).Version != Now.Task(t).Version)
            || plan.Leases.Keys.Any(l => seen.Lease(l).Version != Now.Lease(l).Version))
            return false;
        var slots = Now.Slots;
        foreach (var move in plan.Leases.SelectMany(l => SlotChange.Of(seen.Lease(l.Key).State, l.Key, l.Value)))
        {
            var row = slots[move.Key.ToString()];
            if (row.State != move.From || row.Token != move.FromToken)
                return false;
            slots = slots.SetItem(move.Key.ToString(), row with { State = move.To, Token = move.ToToken, LeaseUid = move.LeaseUid });
        }

        var at = Noon.AddSeconds(++_seconds);
        var (tasks, leases) = (Now.Tasks, Now.Leases);
        foreach (var (uid, events) in plan.Tasks)
        {
            var (version, state) = Now.Task(uid);
            tasks = tasks.SetItem(uid, new(version + events.Count, events.Aggregate(state, (s, e) => s.Evolve(e, at))));
            Record(uid, events, at);
        }

        foreach (var (uid, events) in plan.Leases)
        {
            var (version, state) = Now.Lease(uid);
            leases = leases.SetItem(uid, new(version + events.Count, events.Aggregate(state, (s, e) => s.Evolve(e, at))));
            Record(uid, events, at);
        }

        Now = new Snapshot(tasks, leases, slots);
        return true;
    }

    /// <summary>Writes the whole log as text, reads it back, and folds it from nothing.</summary>
    /// <returns>The first stream whose running state its events do not explain; null when there is none.</returns>
    public string? Unexplained()
    {
        var streams = _log.ToLookup(e => e.Stream, e => (Event: ReadBack(e.Event), e.At));
        return Now.Tasks.FirstOrDefault(t =>
                Text(t.Value.State) != Text(streams[t.Key].Aggregate(TaskState.Initial, (s, e) => s.Evolve(e.Event, e.At)))).Key
            ?? Now.Leases.FirstOrDefault(l =>
                Text(l.Value.State) != Text(streams[l.Key].Aggregate(LeaseState.Initial, (s, e) => s.Evolve(e.Event, e.At)))).Key;
    }

    void Record(string stream, IEnumerable<object> events, DateTimeOffset at)
    {
        foreach (var e in events)
        {
            _recorded.Add(e.GetType());
            _log.Add((stream, e, at));
        }
    }

    static string Text(object value) => JsonSerializer.Serialize(value, value.GetType(), Json);

    static object? ReadBack(object e) => JsonSerializer.Deserialize(Text(e), e.GetType(), Json);

    /// <summary>JSON has no pairs as keys: for the comparison, ended attempts are a sorted list.</summary>
    sealed class EndedConverter : JsonConverter<Ended>
    {
        public override Ended Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            throw new NotSupportedException("a state is only written, to be compared");

        public override void Write(Utf8JsonWriter writer, Ended value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.OrderBy(p => p.Key).Select(p => new { p.Key.Scene, p.Key.Attempt, p.Value }), options);
    }
}
