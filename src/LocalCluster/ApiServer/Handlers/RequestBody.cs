using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Protobuf;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Reads request bodies within the size limit.</summary>
static class RequestBody
{
    /// <summary>What a real API server accepts, too.</summary>
    public const long Limit = 3 * 1024 * 1024;

    public static async Task<byte[]> ReadAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.ContentLength > Limit)
            throw ApiErrors.TooLarge(Limit);
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length > Limit)
                throw ApiErrors.TooLarge(Limit);
            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return body;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>A whole object for create and replace.</summary>
    public static async Task<JsonObject> ReadObjectAsync(HttpContext context, List<string> duplicates)
    {
        var mediaType = MediaType(context);
        if (mediaType is not ("" or "application/json" or "text/json" or ProtobufRequests.MediaType))
        {
            throw ApiErrors.UnsupportedMediaType(
                $"the body of the request was in an unknown format - accepted media types include: application/json (got {mediaType})");
        }

        return ParseObject(await ReadAsync(context), mediaType, duplicates);
    }

    public static JsonObject ParseObject(ReadOnlySpan<byte> bytes, string mediaType, List<string> duplicates)
    {
        try
        {
            return mediaType == ProtobufRequests.MediaType ? ProtobufRequests.Read(bytes) : JsonReading.ParseObject(bytes, duplicates);
        }
        catch (ProtobufException error)
        {
            throw ApiErrors.UnsupportedMediaType($"{error.Message}; send application/json");
        }
        catch (JsonException error)
        {
            throw ApiErrors.BadRequest($"the request body is not a JSON object: {error.Message}");
        }
    }

    public static string MediaType(HttpContext context)
    {
        var type = context.Request.ContentType ?? "";
        var end = type.IndexOf(';');
        return (end < 0 ? type : type[..end]).Trim().ToLowerInvariant();
    }
}
