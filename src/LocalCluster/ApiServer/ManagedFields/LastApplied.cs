using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>
/// The annotation of client-side apply. Whoever goes over from <c>kubectl apply</c> to <c>kubectl apply --server-side</c> has no
/// conflicts with what the former wrote, and the annotation stays in step, so that going back works too.
/// </summary>
static class LastApplied
{
    public const string Annotation = "kubectl.kubernetes.io/last-applied-configuration";
    const string Kubectl = "kubectl";
    const int MaxBytes = 256 * 1024;

    /// <summary>True when every conflict is about a field that the annotation says kubectl applied, with the value that is there.</summary>
    public static bool Explains(IEnumerable<FieldSet> conflicts, JsonObject? live, string manager, SchemaNode schema)
    {
        if (manager != Kubectl || live is null || Read(live) is not { } last)
            return false;
        var difference = FieldComparison.Of(last, live, schema);
        var unchanged = FieldSet.Difference(
            FieldSet.Difference(FieldReader.Read(last, schema), difference.Written), difference.Removed);
        return conflicts.All(conflict => FieldSet.Difference(conflict, unchanged).IsEmpty);
    }

    /// <summary>Writes what kubectl applied into an object that has the annotation.</summary>
    public static void Refresh(JsonObject item, JsonObject config, string manager)
    {
        if (manager != Kubectl || item.Obj("metadata").Obj("annotations") is not { } annotations || !annotations.ContainsKey(Annotation))
            return;
        var applied = (JsonObject)config.DeepClone();
        applied.Obj("metadata").Obj("annotations")?.Remove(Annotation);
        var text = Encoding.UTF8.GetString(JsonWriting.ToUtf8(applied)) + "\n";
        if (text.Length > MaxBytes)
            annotations.Remove(Annotation);
        else
            annotations[Annotation] = text;
    }

    static JsonObject? Read(JsonObject live)
    {
        try
        {
            return live.Obj("metadata").Obj("annotations").Str(Annotation) is { } text
                ? JsonReading.ParseObject(Encoding.UTF8.GetBytes(text)) : null;
        }
        catch (JsonException)
        {
            return null; // whoever broke the annotation meets the conflicts
        }
    }
}
