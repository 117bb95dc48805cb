// One stream's part of a session, as the append function takes it.
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

internal sealed class StreamAppend(string stream, long? expected, bool isStart)
{
    public const string ResultColumn = "framelease_append";

    const string Sql = $"select r_version as {ResultColumn}, r_sequences, r_timestamp from framelease.append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)";

    readonly List<Guid> _ids = [];
    readonly List<string> _types = [];
    readonly List<string> _dotNetTypes = [];
    readonly List<string> _data = [];
    readonly List<string?> _headers = [];

    public string Stream => stream;

    public long? Expected => expected;

    public bool IsStart => isStart;

    public int Count => _ids.Count;

    public IReadOnlyList<Guid> Ids => _ids;

    public IReadOnlyList<string> Types => _types;

    public IReadOnlyList<string> Data => _data;

    public void Add(Guid id, EventMapping mapping, string data, string? headers)
    {
        _ids.Add(id);
        _types.Add(mapping.Name);
        _dotNetTypes.Add(mapping.DotNetType);
        _data.Add(data);
        _headers.Add(headers);
    }

    /// <param name="session">Its number in the group, from 1.</param>
    public void CopyTo(EventArrays arrays, int session)
    {
        for (var i = 0; i < Count; i++)
        {
            var at = arrays.Filled++;
            (arrays.Session[at], arrays.Ordinal[at], arrays.Ids[at], arrays.Types[at]) = (session, i + 1, _ids[i], _types[i]);
            (arrays.DotNetTypes[at], arrays.Data[at], arrays.Headers[at]) = (_dotNetTypes[i], _data[i], _headers[i]);
        }
    }

    public NpgsqlBatchCommand ToCommand(SessionMetadata metadata, bool record)
    {
        var command = new NpgsqlBatchCommand(Sql);
        var p = command.Parameters;
        p.Add(new() { Value = stream, NpgsqlDbType = NpgsqlDbType.Varchar });
        p.Add(new() { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Varchar });
        p.Add(new() { Value = (object?)expected ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        p.Add(new() { Value = _ids.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        p.Add(new() { Value = _types.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar });
        p.Add(new() { Value = _dotNetTypes.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar });
        p.Add(new() { Value = _data.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb });
        p.Add(new() { Value = _headers.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb });
        p.Add(new() { Value = (object?)metadata.CorrelationId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Varchar });
        p.Add(new() { Value = (object?)metadata.CausationId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Varchar });
        p.Add(new() { Value = (object?)metadata.Actor ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Varchar });
        p.Add(new() { Value = record, NpgsqlDbType = NpgsqlDbType.Boolean });
        return command;
    }

    public const int LongestStreamKey = 500;

    public static void ValidateKey(string stream)
    {
        if (string.IsNullOrEmpty(stream) || stream.Length > LongestStreamKey || stream.Any(char.IsControl))
            throw new ArgumentException($"Stream key '{stream}' must have 1 to {LongestStreamKey} characters and no control characters.", nameof(stream));
        if (stream == "mt_tombstone") throw new ArgumentException("Stream key 'mt_tombstone' is Marten's own.", nameof(stream));
    }

    public static int ByteCount(string data) => Encoding.UTF8.GetByteCount(data);
}
