using System.Data.Common;
using System.Runtime.CompilerServices;
using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Ledger;
using Npgsql;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>
/// The log as dispatchers and controllers follow it: by looking, once a second, through outages. Nothing else of the store is asked for.
/// </summary>
sealed class MemoryLog(MemoryDatabase database, IDatabaseWay way, TimeProvider time) : IEventStore
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    public Task<long> LatestSequenceAsync(CancellationToken ct) => way.AskAsync("latest", () => (long)database.Tables.Log.Count, ct);

    public async IAsyncEnumerable<EventEnvelope> SubscribeAsync(
        long afterSequence, EventFilter? filter, [EnumeratorCancellation] CancellationToken ct)
    {
        while (true)
        {
            IReadOnlyList<StoredEvent> page = [];
            try
            {
                page = await way.AskAsync<IReadOnlyList<StoredEvent>>(
                    "read log", () => [.. database.Tables.Log.Skip((int)afterSequence)], ct);
            }
            catch (LedgerUnavailableException)
            {
                // It looks again.
            }

            foreach (var e in page)
            {
                afterSequence = e.Sequence;
                if (Envelope(e) is { } envelope && filter?.TypeNames?.Contains(envelope.TypeName) is not false)
                    yield return envelope;
            }

            await Task.Delay(Period, time, ct);
        }
    }

    public Task MigrateAsync(CancellationToken ct, params IReadOnlyList<SchemaScripts> more) => throw NotSimulated();

    public IEventSession OpenSession(SessionMetadata? metadata = null) => throw NotSimulated();

    public Task<IReadOnlyList<T>> QueryAsync<T>(NpgsqlBatchCommand statement, Func<DbDataReader, T> map, CancellationToken ct) =>
        throw NotSimulated();

    public Task<StreamSlice> FetchStreamAsync(string stream, long fromVersion, CancellationToken ct) => throw NotSimulated();

    public Task<IReadOnlyList<StreamSlice>> FetchStreamsAsync(IReadOnlyList<string> streams, CancellationToken ct) => throw NotSimulated();

    public Task<StreamState?> FetchStreamStateAsync(string stream, CancellationToken ct) => throw NotSimulated();

    public Task<Aggregate<TState>> AggregateAsync<TState>(
        string stream, TState seed, Func<TState, EventEnvelope, TState> evolve, CancellationToken ct, long? atVersion = null,
        DateTimeOffset? atTime = null) => throw NotSimulated();

    public Task<Aggregate<TState>> AggregateAsync<TState>(
        string stream, Aggregation<TState> aggregation, CancellationToken ct, long? atVersion = null, DateTimeOffset? atTime = null) =>
        throw NotSimulated();

    public IAsyncEnumerable<EventEnvelope> ReadTypesAsync(
        IReadOnlyCollection<string> typeNames, long afterSequence, CancellationToken ct) => throw NotSimulated();

    public Task<EventPage> ReadAllAsync(long afterSequence, int limit, EventFilter? filter, CancellationToken ct) => throw NotSimulated();

    static EventEnvelope Envelope(StoredEvent e) => new()
    {
        Sequence = e.Sequence, Id = Guid.Empty, Stream = e.Stream, Version = e.Version, TypeName = EventAlias.Of(e.Data.GetType()),
        Data = e.Data, Raw = default, Timestamp = e.At,
    };

    static NotSupportedException NotSimulated() => new("no part of a world asks for it");
}
