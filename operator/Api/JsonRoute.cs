using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Framelease.Operator.Api;

/// <summary>What every route does the same way: bounded JSON in, JSON out, errors as problem details.</summary>
static class JsonRoute
{
    public const long MaxBody = 64 * 1024;

    public static async Task AnswerAsync(HttpContext context, ILogger logger, Func<CancellationToken, Task> work)
    {
        try
        {
            await work(context.RequestAborted);
        }
        catch (Exception e) when (HttpProblem.From(e) is { } problem)
        {
            if (problem.Status == 500)
                Log.RequestFailed(logger, e);
            await problem.WriteAsync(context);
        }
        catch (OperationCanceledException)
        {
            // The caller went away: nobody is left to answer.
        }
    }

    public static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, CancellationToken cancel, long mostBytes = MaxBody)
    {
        if (context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = mostBytes;
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, cancel) ?? throw new HttpProblem(400, "Invalid", "the body must be a JSON object");
        }
        catch (JsonException e)
        {
            throw new HttpProblem(400, "Invalid", $"body: {e.Path}: {e.Message}");
        }
    }

    /// <summary>What is read carries an ETag: whoever has it already gets 304 and no body. Weak: the body may be compressed.</summary>
    public static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(value, type);
        if (HttpMethods.IsGet(context.Request.Method))
        {
            var tag = Tag(body);
            context.Response.Headers.ETag = tag;
            context.Response.Headers.CacheControl = "private, no-cache";
            if (IsKnown(context, tag))
            {
                context.Response.StatusCode = 304;
                return;
            }
        }

        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(body, cancel);
    }

    /// <summary>Whether the caller has this very answer already, as its <c>If-None-Match</c> says.</summary>
    public static bool IsKnown<T>(HttpContext context, T value, JsonTypeInfo<T> type) =>
        IsKnown(context, Tag(JsonSerializer.SerializeToUtf8Bytes(value, type)));

    static bool IsKnown(HttpContext context, string tag) =>
        context.Request.Headers.IfNoneMatch.SelectMany(v => (v ?? "").Split(',')).Any(v => v.Trim() == tag || v.Trim() == "*");

    static string Tag(byte[] body) => $"W/\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 16))}\"";

    public static string? Bearer(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        return header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : null;
    }
}
