using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Answers with JSON.</summary>
static class ApiResponse
{
    public static Task WriteAsync(HttpContext context, int code, JsonNode body) => WriteAsync(context, code, JsonWriting.ToUtf8(body));

    public static async Task WriteAsync(HttpContext context, int code, ReadOnlyMemory<byte> utf8, string contentType = "application/json")
    {
        var response = context.Response;
        response.StatusCode = code;
        response.ContentType = contentType;
        response.ContentLength = utf8.Length;
        response.Headers.CacheControl = "no-cache, private";
        await response.BodyWriter.WriteAsync(utf8, context.RequestAborted);
    }

    public static Task WriteErrorAsync(HttpContext context, ApiException error)
    {
        if (error.Details?["retryAfterSeconds"] is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToJsonString();
        return WriteAsync(context, error.Code, error.ToStatus());
    }

    /// <summary>Texts in <c>Warning</c> headers (RFC 7234), which kubectl shows.</summary>
    public static void AddWarnings(HttpContext context, IEnumerable<string> warnings)
    {
        foreach (var warning in warnings.Distinct().Take(50))
        {
            var text = string.Concat(warning.Where(c => c is >= ' ' and < (char)127)).Replace("\\", "\\\\").Replace("\"", "\\\"");
            context.Response.Headers.Append("Warning", $"299 - \"{text}\"");
        }
    }
}
