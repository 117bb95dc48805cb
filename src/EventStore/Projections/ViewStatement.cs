using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>What the compiler makes of the string given to <see cref="ViewWriter.Execute"/>: SQL with numbered parameters.</summary>
[InterpolatedStringHandler]
public readonly ref struct ViewStatement
{
    readonly StringBuilder _sql;
    readonly NpgsqlBatchCommand _command = new();
    readonly ViewWriter _view;

    public ViewStatement(int literalLength, int formattedCount, ViewWriter view)
    {
        _sql = new(literalLength + (formattedCount * 8));
        _view = view;
    }

    public void AppendLiteral(string text) => _sql.Append(text);

    /// <exception cref="ArgumentException">Not one of the projection's tables.</exception>
    public void AppendFormatted(ViewTable table) => _sql.Append(_view.NameOf(table));

    public void AppendFormatted(EventValue value)
    {
        var e = value.Of;
        switch (value.Field)
        {
            case EventField.Version when e.KnownVersion is { } version:
                Parameter(version, NpgsqlDbType.Bigint);
                break;
            case EventField.Sequence when e.KnownSequence is { } sequence:
                Parameter(sequence, NpgsqlDbType.Bigint);
                break;
            case EventField.Timestamp when e.KnownTimestamp is { } timestamp:
                Parameter(timestamp, NpgsqlDbType.TimestampTz);
                break;
            // The stream's row is locked by the append of this very transaction: it says what the append decided.
            case EventField.Version:
                Looked("s.version - ", e, "");
                break;
            case EventField.Timestamp:
                Looked("s.timestamp", e, null);
                break;
            default:
                Looked(
                    "(select d.seq_id from framelease_events.mt_events as d where d.stream_id = s.id and d.version = s.version - ", e, ")");
                break;
        }
    }

    void Looked(string select, ViewEvent e, string? close)
    {
        _sql.Append("(select ").Append(select);
        if (close is not null)
        {
            Parameter((long)e.FromLast, NpgsqlDbType.Bigint);
            _sql.Append(close);
        }

        _sql.Append(" from framelease_events.mt_streams as s where s.id = ");
        Parameter(e.Stream, NpgsqlDbType.Varchar);
        _sql.Append(')');
    }

    /// <summary>For unnest: bigint[] or timestamptz[]; all of one kind.</summary>
    public void AppendFormatted(EventValue[] values)
    {
        if (values.Select(v => v.Field).Distinct().Count() > 1)
            throw new ArgumentException("An array of event values holds versions, positions or times, not a mix.", nameof(values));
        var isTime = values is [{ Field: EventField.Timestamp }, ..];
        if (Array.TrueForAll(values, IsKnown))
        {
            if (isTime) Parameter(Array.ConvertAll(values, v => v.Of.KnownTimestamp!.Value), NpgsqlDbType.Array | NpgsqlDbType.TimestampTz);
            else Parameter(Array.ConvertAll(values, Number), NpgsqlDbType.Array | NpgsqlDbType.Bigint);
            return;
        }

        _sql.Append("array[");
        for (var i = 0; i < values.Length; i++)
        {
            if (i > 0) _sql.Append(',');
            AppendFormatted(values[i]);
        }

        _sql.Append(isTime ? "]::timestamptz[]" : "]::bigint[]");
    }

    static long Number(EventValue v) => (v.Field == EventField.Version ? v.Of.KnownVersion : v.Of.KnownSequence)!.Value;

    static bool IsKnown(EventValue v) => v.Field switch
    {
        EventField.Version => v.Of.KnownVersion is not null,
        EventField.Sequence => v.Of.KnownSequence is not null,
        _ => v.Of.KnownTimestamp is not null,
    };

    /// <summary>A value of a type that PostgreSQL knows, or an array of them; cast in SQL where the column wants another
    /// (<c>{text}::jsonb</c>).</summary>
    public void AppendFormatted<T>(T value) => Parameter(value, SqlTypes.Of(typeof(T)));

    void Parameter(object? value, NpgsqlDbType type)
    {
        var parameters = _command.Parameters;
        parameters.Add(new() { Value = value is DateTimeOffset at ? at.ToUniversalTime() : value ?? DBNull.Value, NpgsqlDbType = type });
        _sql.Append('$').Append(parameters.Count.ToString(CultureInfo.InvariantCulture));
    }

    internal NpgsqlBatchCommand ToCommand()
    {
        _command.CommandText = _sql.ToString();
        return _command;
    }
}

/// <summary>Which PostgreSQL type a .NET type is written as.</summary>
internal static class SqlTypes
{
    static readonly Dictionary<Type, NpgsqlDbType> Known = new()
    {
        [typeof(string)] = NpgsqlDbType.Text, [typeof(bool)] = NpgsqlDbType.Boolean, [typeof(short)] = NpgsqlDbType.Smallint,
        [typeof(int)] = NpgsqlDbType.Integer, [typeof(long)] = NpgsqlDbType.Bigint, [typeof(double)] = NpgsqlDbType.Double,
        [typeof(decimal)] = NpgsqlDbType.Numeric, [typeof(Guid)] = NpgsqlDbType.Uuid, [typeof(DateTimeOffset)] = NpgsqlDbType.TimestampTz,
        [typeof(DateOnly)] = NpgsqlDbType.Date, [typeof(TimeSpan)] = NpgsqlDbType.Interval,
    };

    /// <exception cref="ArgumentException">None; the message lists the allowed ones.</exception>
    public static NpgsqlDbType Of(Type type)
    {
        if (type == typeof(byte[])) return NpgsqlDbType.Bytea;
        if (Known.TryGetValue(Nullable.GetUnderlyingType(type) ?? type, out var known)) return known;
        if (type.IsArray && type.GetElementType()! is var of && Known.TryGetValue(Nullable.GetUnderlyingType(of) ?? of, out var element))
            return NpgsqlDbType.Array | element;
        throw new ArgumentException(
            $"A view's statement cannot hold a value of type '{type}'; allowed are {string.Join(", ", Known.Keys.Select(t => t.Name))}, "
            + "arrays of them, and byte[].");
    }
}
