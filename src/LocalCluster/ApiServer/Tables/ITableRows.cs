using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Tables;

/// <summary>Columns of a built-in kind whose cells are more than a path into the object.</summary>
interface ITableRows
{
    /// <summary>Headings, in order; the path of each is unused.</summary>
    IReadOnlyList<PrinterColumn> Columns { get; }

    /// <summary>The cells of one object, in the order of <see cref="Columns"/>.</summary>
    IEnumerable<JsonNode?> Cells(JsonObject item, DateTimeOffset now);
}
