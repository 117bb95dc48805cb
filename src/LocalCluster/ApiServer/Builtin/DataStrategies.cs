using System.Text;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>Text values are written into <c>data</c>; an immutable secret keeps its data.</summary>
sealed class SecretStrategy : ResourceStrategy
{
    public override void PrepareForCreate(JsonObject item) => Encode(item);

    public override void PrepareForUpdate(JsonObject item, JsonObject old) => Encode(item);

    public override IEnumerable<FieldError> Validate(JsonObject item, JsonObject? old)
    {
        if (old is not null && item.Str("type") != old.Str("type"))
            yield return FieldError.Invalid("type", item["type"], "field is immutable");
        foreach (var error in Immutable.Check(item, old, "data"))
            yield return error;
    }

    static void Encode(JsonObject item)
    {
        if (item.Obj("stringData") is not { } texts)
            return;
        var data = item.Ensure("data");
        foreach (var (name, value) in texts)
            data[name] = Convert.ToBase64String(Encoding.UTF8.GetBytes(value.AsString() ?? ""));
        item.Remove("stringData");
    }
}

sealed class ConfigMapStrategy : ResourceStrategy
{
    public override IEnumerable<FieldError> Validate(JsonObject item, JsonObject? old) => Immutable.Check(item, old, "data", "binaryData");
}

/// <summary>The <c>immutable</c> flag of config maps and secrets.</summary>
static class Immutable
{
    public static IEnumerable<FieldError> Check(JsonObject item, JsonObject? old, params string[] fields)
    {
        if (old.Bool("immutable") != true)
            yield break;
        if (item.Bool("immutable") != true)
            yield return FieldError.Forbidden("immutable", "field is immutable when `immutable` is set");
        foreach (var field in fields)
        {
            if (!JsonAccess.Same(item[field], old![field]))
                yield return FieldError.Forbidden(field, "field is immutable when `immutable` is set");
        }
    }
}
