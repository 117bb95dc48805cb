using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>Which fields one manager owns by one kind of operation.</summary>
/// <param name="Manager">Name of the manager.</param>
/// <param name="IsApply">Owned by applying; otherwise by any other write.</param>
/// <param name="ApiVersion">The version in which the paths are.</param>
/// <param name="Subresource">Empty, or the subresource that was written.</param>
/// <param name="Time">When the manager last changed its fields.</param>
/// <param name="Fields">The owned paths.</param>
sealed record ManagedEntry(string Manager, bool IsApply, string ApiVersion, string Subresource, string Time, FieldSet Fields)
{
    /// <summary>An applier is the same whatever version it applies in; an updater is another one in each version.</summary>
    public bool IsBy(string manager, bool isApply, string apiVersion, string subresource) =>
        Manager == manager && IsApply == isApply && Subresource == subresource && (isApply || ApiVersion == apiVersion);

    /// <summary>The manager as conflict messages name it.</summary>
    public string Shown
    {
        get
        {
            var name = $"\"{Manager}\"";
            if (Subresource.Length > 0)
                name += $" with subresource \"{Subresource}\"";
            return IsApply ? name : $"{name} using {ApiVersion}";
        }
    }

    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["manager"] = Manager,
            ["operation"] = IsApply ? "Apply" : "Update",
            ["apiVersion"] = ApiVersion,
            ["time"] = Time,
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = Fields.ToJson(),
        };
        if (Subresource.Length > 0)
            json["subresource"] = Subresource;
        return json;
    }

    /// <summary>Null when the entry says nothing that can be kept.</summary>
    public static ManagedEntry? Read(JsonNode? json) =>
        json.Str("operation") is "Apply" or "Update" && json.Obj("fieldsV1") is { } fields
            ? new ManagedEntry(
                json.Str("manager") ?? "", json.Str("operation") == "Apply", json.Str("apiVersion") ?? "", json.Str("subresource") ?? "",
                json.Str("time") ?? "", FieldSet.Read(fields))
            : null;

    public bool SameButTime(ManagedEntry other) => IsBy(other.Manager, other.IsApply, other.ApiVersion, other.Subresource)
        && ApiVersion == other.ApiVersion && FieldSet.Same(Fields, other.Fields);
}
