using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Serialization;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Reads the configuration of a server-side apply, YAML or JSON, and checks that it says what it is about.</summary>
static class AppliedBody
{
    public static async Task<JsonObject> ReadAsync(HttpContext context, ResourceType type, ObjectKey key, WriteOptions options)
    {
        if (context.Request.Query["fieldManager"].ToString().Length == 0)
            throw WriteOptions.Invalid(context.Request, FieldError.Required("fieldManager", "is required for apply patch"));
        var config = Parse(await RequestBody.ReadAsync(context), options.Duplicates);
        if (config.Str("apiVersion") != type.ApiVersion || config.Str("kind") != type.Kind)
        {
            throw ApiErrors.BadRequest($"invalid object type: {config.Str("apiVersion")}, Kind={config.Str("kind")} "
                + $"(expected {type.ApiVersion}, Kind={type.Kind})");
        }

        var metadata = config.Obj("metadata");
        if (metadata?["managedFields"] is not null)
            throw ApiErrors.BadRequest("metadata.managedFields must be nil");
        var name = metadata.Str("name") ?? "";
        if (name.Length == 0)
            throw ApiErrors.BadRequest($"the name of the object ({key.Name} based on URL) was undeterminable: name must be provided");
        if (name != key.Name)
            throw ApiErrors.BadRequest($"the name of the object ({name}) does not match the name on the URL ({key.Name})");
        return config;
    }

    static JsonObject Parse(byte[] body, List<string> duplicates)
    {
        try
        {
            // Most clients send JSON, which the faster reader knows; anything else may be YAML.
            return body.AsSpan().TrimStart(" \r\n\t"u8).StartsWith("{\""u8)
                ? JsonReading.ParseObject(body, duplicates) : Yaml.ParseObject(Encoding.UTF8.GetString(body));
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            throw ApiErrors.BadRequest($"error decoding YAML: {error.Message}");
        }
    }
}
