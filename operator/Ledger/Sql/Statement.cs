using Npgsql;
using NpgsqlTypes;

namespace Framelease.Operator.Ledger.Sql;

/// <summary>Builds parameterised statements of a batch: positions <c>$1…</c> in order, types named so that PostgreSQL need not guess.</summary>
static class Statement
{
    public static NpgsqlBatchCommand Of(string sql, params object?[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(Parameter(value));
        return command;
    }

    static NpgsqlParameter Parameter(object? value) => value switch
    {
        null => new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Varchar },
        string s => new NpgsqlParameter<string> { TypedValue = s, NpgsqlDbType = NpgsqlDbType.Varchar },
        int i => new NpgsqlParameter<int> { TypedValue = i },
        long l => new NpgsqlParameter<long> { TypedValue = l },
        bool b => new NpgsqlParameter<bool> { TypedValue = b },
        double d => new NpgsqlParameter<double> { TypedValue = d },
        DateTimeOffset at => new NpgsqlParameter<DateTimeOffset> { TypedValue = at.ToUniversalTime() },
        byte[] bytes => new NpgsqlParameter<byte[]> { TypedValue = bytes },
        string[] texts => new NpgsqlParameter { Value = texts, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar },
        long[] numbers => new NpgsqlParameter { Value = numbers, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
        NpgsqlParameter ready => ready,
        int[] numbers => new NpgsqlParameter { Value = numbers, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer },
        _ => throw new ArgumentException($"no parameter type for {value.GetType()}", nameof(value)),
    };
}
