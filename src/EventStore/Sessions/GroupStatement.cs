// The sessions of a group as append_sessions takes them, and its answer for each.
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

internal static class GroupStatement
{
    const string Sql = "select * from framelease.append_sessions($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)";

    /// <param name="State">Empty: appended; else the code of the refusal.</param>
    /// <param name="Version">The stream's, after the append or as it stands.</param>
    public readonly record struct Answer(string State, long Version, IReadOnlyList<long> Sequences, DateTimeOffset Now);

    public static NpgsqlCommand Of(IReadOnlyList<GroupCommit.Waiting> group, NpgsqlConnection connection)
    {
        var events = new EventArrays(group.Sum(w => w.Append.Count));
        for (var session = 0; session < group.Count; session++)
            group[session].Append.CopyTo(events, session + 1);
        var command = new NpgsqlCommand(Sql, connection);
        var p = command.Parameters;
        p.Add(Array(NpgsqlDbType.Varchar, group, w => w.Append.Stream));
        p.Add(Array(NpgsqlDbType.Bigint, group, w => w.Append.Expected));
        p.Add(Array(NpgsqlDbType.Bigint, group, w => (long)w.Append.Count));
        p.Add(Array(NpgsqlDbType.Varchar, group, w => w.Metadata.CorrelationId));
        p.Add(Array(NpgsqlDbType.Varchar, group, w => w.Metadata.CausationId));
        p.Add(Array(NpgsqlDbType.Varchar, group, w => w.Metadata.Actor));
        p.Add(Array(NpgsqlDbType.Integer, events.Session));
        p.Add(Array(NpgsqlDbType.Integer, events.Ordinal));
        p.Add(Array(NpgsqlDbType.Uuid, events.Ids));
        p.Add(Array(NpgsqlDbType.Varchar, events.Types));
        p.Add(Array(NpgsqlDbType.Varchar, events.DotNetTypes));
        p.Add(Array(NpgsqlDbType.Jsonb, events.Data));
        p.Add(Array(NpgsqlDbType.Jsonb, events.Headers));
        return command;
    }

    public static async Task<IReadOnlyList<Answer>> ExecuteAsync(NpgsqlCommand command, IReadOnlyCollection<GroupCommit.Waiting> group)
    {
        var answers = new List<Answer>(group.Count);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        while (await reader.ReadAsync(CancellationToken.None))
            answers.Add(new(reader.GetString(0), reader.GetInt64(1), reader.IsDBNull(2) ? [] : reader.GetFieldValue<long[]>(2), reader.GetFieldValue<DateTimeOffset>(3)));
        // The rows are there before the commit is; only the end of all results means that PostgreSQL has answered it.
        await reader.NextResultAsync(CancellationToken.None);
        return answers;
    }

    static NpgsqlParameter Array<T>(NpgsqlDbType type, IReadOnlyList<GroupCommit.Waiting> group, Func<GroupCommit.Waiting, T> value)
    {
        var values = new T[group.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = value(group[i]);
        return Array(type, values);
    }

    static NpgsqlParameter Array<T>(NpgsqlDbType type, T[] values) => new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | type };
}

/// <summary>The events of several sessions, one array a column.</summary>
internal sealed class EventArrays(int count)
{
    public int[] Session { get; } = new int[count];

    public int[] Ordinal { get; } = new int[count];

    public Guid[] Ids { get; } = new Guid[count];

    public string[] Types { get; } = new string[count];

    public string[] DotNetTypes { get; } = new string[count];

    public string[] Data { get; } = new string[count];

    public string?[] Headers { get; } = new string?[count];

    public int Filled { get; set; }
}
