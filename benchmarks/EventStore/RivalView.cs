using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.Benchmarks.EventStore;

/// <summary>Marten's way to an inline view: begin, one batch of append and upsert, commit; connections and prepared statements are
/// kept.</summary>
sealed class RivalView(string connection, Func<Guid> newId) : IAsyncDisposable
{
    readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(
        $"{connection};Pooling=false;Max Auto Prepare=10;Auto Prepare Min Usages=2");
    readonly ConcurrentStack<NpgsqlConnection> _idle = new();

    public async Task CreateAsync(CancellationToken ct)
    {
        await using var command = _source.CreateCommand(
            "create table rival.frame_view (stream varchar primary key, events bigint, frames bigint, last_at timestamptz)");
        await command.ExecuteNonQueryAsync(ct);
    }

    public async Task AppendAsync(string stream, long expected, CancellationToken ct)
    {
        if (!_idle.TryPop(out var open))
            open = await _source.OpenConnectionAsync(ct);
        await using (var transaction = await open.BeginTransactionAsync(ct))
        {
            using var batch = new NpgsqlBatch(open, transaction);
            batch.BatchCommands.Add(Append(stream, expected));
            batch.BatchCommands.Add(Upsert(stream));
            await batch.ExecuteNonQueryAsync(ct);
            await transaction.CommitAsync(ct);
        }

        _idle.Push(open);
    }

    NpgsqlBatchCommand Append(string stream, long expected) => new(
        $$"""
        select rival.quick_append_events(
            $1, null, '*DEFAULT*', array[$2::uuid], array['frame_coded'], array['{{FrameCoded.DotNetType}}'], array[$3::jsonb],
          array[null]::varchar[], array[null]::varchar[], array['{}'::jsonb], array['bench'], array[now()], $4)
        """)
    {
        Parameters =
        {
            new NpgsqlParameter { Value = stream, NpgsqlDbType = NpgsqlDbType.Varchar }, new NpgsqlParameter { Value = newId() },
            new NpgsqlParameter { Value = FrameCoded.Json, NpgsqlDbType = NpgsqlDbType.Jsonb }, new NpgsqlParameter { Value = expected },
        },
    };

    static NpgsqlBatchCommand Upsert(string stream) => new(
        """
        insert into rival.frame_view as v (stream, events, frames, last_at) values ($1, 1, $2, now())
        on conflict (stream) do update set events = v.events + 1, frames = v.frames + excluded.frames, last_at = excluded.last_at
        """)
    {
        Parameters = { new NpgsqlParameter { Value = stream, NpgsqlDbType = NpgsqlDbType.Varchar },
            new NpgsqlParameter { Value = FrameCoded.Sample.Frames } },
    };

    public async ValueTask DisposeAsync()
    {
        while (_idle.TryPop(out var open))
            await open.DisposeAsync();
        await _source.DisposeAsync();
    }
}
