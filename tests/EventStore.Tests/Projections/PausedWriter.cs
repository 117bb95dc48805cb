using Npgsql;

namespace Framelease.EventStore.Tests.Projections;

/// <summary>An append whose transaction the test holds open.</summary>
public static class PausedWriter
{
    public static async Task AppendAsync(NpgsqlConnection connection, string stream, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select framelease.append_events($1, null, 0, array[gen_random_uuid()], array['parcel_sorted'], array['x, y'], "
            + "array['{\"chute\": 1}'::jsonb], array[null::jsonb], null, null, null, false)", connection);
        command.Parameters.Add(new() { Value = stream });
        await command.ExecuteNonQueryAsync(ct);
    }
}
