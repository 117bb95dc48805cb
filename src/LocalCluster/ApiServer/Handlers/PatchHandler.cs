using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Patching;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Reads a patch of any supported type and applies it.</summary>
static class PatchHandler
{
    const string ApplyType = "application/apply-patch+yaml";

    /// <returns>The object, and whether an apply created it.</returns>
    public static async Task<(JsonObject Item, bool Created)> HandleAsync(
        HttpContext context, ObjectOperations operations, ResourceType type, ObjectKey key, bool isStatus)
    {
        var options = WriteOptions.From(context.Request);
        if (RequestBody.MediaType(context) == ApplyType)
        {
            var config = await AppliedBody.ReadAsync(context, type, key, options);
            var applied = await operations.ApplyAsync(type, key, config, isStatus, options);
            ApiResponse.AddWarnings(context, options.Warnings);
            return applied;
        }

        if (context.Request.Query.ContainsKey("force"))
            throw WriteOptions.Invalid(context.Request, FieldError.Forbidden("force", "may not be specified for non-apply patch"));
        var change = await ReadAsync(context, type, options);
        var result = await operations.UpdateAsync(type, key, change, isStatus, options);
        ApiResponse.AddWarnings(context, options.Warnings);
        return (result, false);
    }

    static async Task<Func<JsonObject, JsonObject>> ReadAsync(HttpContext context, ResourceType type, WriteOptions options)
    {
        var mediaType = RequestBody.MediaType(context);
        switch (mediaType)
        {
            case "application/json-patch+json":
                var operations = await ParseAsync(context, options) as JsonArray ?? throw NotPatch("a JSON patch is a list of operations");
                return target => JsonPatch.Apply(target, operations);
            case "application/merge-patch+json":
                var merge = await ParseObjectAsync(context, options);
                return target => MergePatch.Apply(target, merge);
            case "application/strategic-merge-patch+json" when !type.IsCustom:
                var strategic = await ParseObjectAsync(context, options);
                return target => StrategicMergePatch.Apply(target, strategic, type.Schema);
            default:
                var strategicType = type.IsCustom ? "" : ", application/strategic-merge-patch+json";
                throw ApiErrors.UnsupportedMediaType(
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
                    + $"application/merge-patch+json{strategicType}, {ApplyType} (got {mediaType})");
        }
    }

    static async Task<JsonObject> ParseObjectAsync(HttpContext context, WriteOptions options) =>
        await ParseAsync(context, options) as JsonObject ?? throw NotPatch("a merge patch is an object");

    static async Task<JsonNode?> ParseAsync(HttpContext context, WriteOptions options)
    {
        var bytes = await RequestBody.ReadAsync(context);
        options.Patch = JsonReading.Utf8(bytes);
        try
        {
            return JsonReading.Parse(bytes, options.Duplicates);
        }
        catch (JsonException error)
        {
            throw NotPatch(error.Message);
        }
    }

    static ApiException NotPatch(string why) => ApiErrors.BadRequest($"error decoding patch: {why}");
}
