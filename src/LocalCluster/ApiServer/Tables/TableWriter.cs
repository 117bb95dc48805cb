using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Tables;

/// <summary>Makes the <c>meta.k8s.io</c> tables that kubectl prints.</summary>
static class TableWriter
{
    /// <summary>The first column of almost every table.</summary>
    public static readonly PrinterColumn Name = new("Name", "string", "", "name", "Name must be unique within a namespace.");

    static readonly PrinterColumn[] OnlyAge = [new("Age", "date", ".metadata.creationTimestamp")];

    public static JsonObject Table(
        Representation form, ResourceType type, long? revision, IEnumerable<JsonObject> items, DateTimeOffset now, bool withHeadings = true)
    {
        var declared = type.Columns.Count > 0 ? type.Columns : OnlyAge;
        var table = Empty(form, revision);
        var headings = new JsonArray();
        if (withHeadings)
        {
            foreach (var column in type.Rows?.Columns ?? [Name, .. declared])
                headings.Add(Heading(column));
        }

        table["columnDefinitions"] = headings;
        var rows = new JsonArray();
        foreach (var item in items)
        {
            var cells = new JsonArray();
            foreach (var cell in type.Rows?.Cells(item, now) ?? declared.Select(column => ColumnCells.Read(item, column, now)).Prepend(item.NameOf()))
                cells.Add(cell);
            var row = new JsonObject { ["cells"] = cells };
            if (form.IncludeObject != "None")
                row["object"] = form.IncludeObject == "Object" ? item.DeepClone() : form.OnlyMetadata(item);
            rows.Add(row);
        }

        table["rows"] = rows;
        return table;
    }

    public static JsonObject Bookmark(Representation form, long revision)
    {
        var table = Empty(form, revision);
        table["columnDefinitions"] = new JsonArray();
        table["rows"] = new JsonArray();
        return table;
    }

    public static JsonNode NameOf(this JsonObject item) => JsonValue.Create(item.Obj("metadata").Str("name") ?? "");

    static JsonObject Empty(Representation form, long? revision)
    {
        var metadata = new JsonObject();
        if (revision is { } known)
            metadata["resourceVersion"] = known.ToString();
        return new JsonObject { ["kind"] = "Table", ["apiVersion"] = form.ApiVersion, ["metadata"] = metadata };
    }

    static JsonObject Heading(PrinterColumn column) => new()
    {
        ["name"] = column.Name,
        ["type"] = column.Type,
        ["format"] = column.Format,
        ["description"] = column.Description,
        ["priority"] = column.Priority,
    };
}
