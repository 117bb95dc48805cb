// The writes of inline projections, made of what a session is about to append.
using System.Text;
using Npgsql;

namespace Framelease.EventStore;

internal static class InlineProjections
{
    /// <summary>Whether any inline projection wants an event of the session; cheap, asked at every commit.</summary>
    public static bool Want(this ProjectionSet projections, IReadOnlyList<StreamAppend> appends)
    {
        foreach (var projection in projections.Inline)
            foreach (var append in appends)
                if (append.Types.Any(projection.Events.Contains)) return true;
        return false;
    }

    /// <param name="appends">In the order in which they are sent, which is the order of the log.</param>
    /// <exception cref="ProjectionException">A projection threw; nothing was sent.</exception>
    public static IEnumerable<NpgsqlBatchCommand> WritesOf(
        PostgresEventStore store, IReadOnlyList<StreamAppend> appends, SessionMetadata metadata)
    {
        var writes = new List<NpgsqlBatchCommand>();
        foreach (var projection in store.Options.Projections.Inline)
            writes.AddRange(projection.Statements(
                [.. appends.SelectMany(a => a.ViewEvents(projection.Events.Contains, store.Registry, metadata))], shadow: false));
        return writes;
    }

    /// <summary>Runs the function over a batch, and gives whatever it throws its name.</summary>
    public static List<NpgsqlBatchCommand> Statements(this Projection projection, IReadOnlyList<ViewEvent> events, bool shadow)
    {
        var writes = new List<NpgsqlBatchCommand>();
        if (events.Count == 0) return writes;
        foreach (var e in events)
            if (e.Data is UnknownEvent unknown)
                throw new ProjectionException(projection.Name, $"{Describe([e])} cannot be read: {unknown.Reason}");
        try
        {
            projection.Project(events, new(projection, shadow, writes.Add));
            return writes;
        }
        // foreign code: whatever it throws is told under the projection's name
        catch (Exception e) when (e is not (OutOfMemoryException or OperationCanceledException))
        {
            throw new ProjectionException(projection.Name, $"failed on {Describe(events)}: {e.Message}", e);
        }
    }

    public static string Describe(IReadOnlyList<ViewEvent> events) => events.Count == 1
        ? $"event {events[0].KnownSequence} '{events[0].TypeName}' of stream '{events[0].Stream}'"
        : $"{events.Count} events from position {events[0].KnownSequence} on";

    static IEnumerable<ViewEvent> ViewEvents(
        this StreamAppend append, Func<string, bool> wants, EventRegistry registry, SessionMetadata metadata)
    {
        for (var i = 0; i < append.Count; i++)
        {
            if (!wants(append.Types[i])) continue;
            // as a rebuild will read it: what JSON leaves out or rounds must not be in the inline view either
            var data = registry.Reread(append.Types[i], Encoding.UTF8.GetBytes(append.Data[i]));
            yield return new(append.Ids[i], append.Stream, append.Types[i], data, metadata, append.Expected + i + 1, append.Count - 1 - i);
        }
    }
}
