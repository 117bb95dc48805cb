using System.Runtime.CompilerServices;
using Npgsql;

namespace Framelease.EventStore;

/// <summary>
/// Takes a projection's statements:
/// <code>view.Execute($"insert into {Jobs} (name, queued_at) values ({e.Stream}, {e.Timestamp})");</code>
/// A table stands for itself or for its shadow in a rebuild; everything else in braces becomes a parameter, never text. Write a statement
/// the same way each time: equal texts are prepared once.
/// </summary>
public sealed class ViewWriter
{
    readonly Projection _projection;
    readonly Action<NpgsqlBatchCommand> _add;

    readonly bool _shadow;

    internal ViewWriter(Projection projection, bool shadow, Action<NpgsqlBatchCommand> add) =>
        (_projection, _shadow, _add) = (projection, shadow, add);

    /// <summary>Adds one statement; it runs after those before it, in the same transaction.</summary>
    public void Execute([InterpolatedStringHandlerArgument("")] ref ViewStatement statement) => _add(statement.ToCommand());

    internal string NameOf(ViewTable table) => _projection.Tables.Contains(table)
        ? _shadow ? table.Shadow : table.Running
        : throw new ArgumentException($"Projection '{_projection.Name}' does not name '{table.Name}' among its tables.", nameof(table));
}
