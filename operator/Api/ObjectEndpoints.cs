using System.Globalization;
using Framelease.ObjectStorage;
using Framelease.ObjectStorage.Presigning;

namespace Framelease.Operator.Api;

/// <summary>
/// <c>/objects/v1/{key}</c>: the directory store's presigned URLs. What S3 does by itself for its own URLs; no other credential is asked for, because the
/// signature names method, key, expiry and limits.
/// </summary>
static class ObjectEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, IObjectStore store, PresignedRequestVerifier verifier, ILogger logger) =>
        routes.MapMethods("/objects/v1/{**key}", ["GET", "HEAD", "PUT"], (HttpContext context, string key) => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var grant = Verify(context, key, verifier);
            if (context.Request.Method == "PUT")
                await PutAsync(context, store, grant, cancel);
            else
                await GetAsync(context, store, key, cancel);
        }));

    static PresignedGrant Verify(HttpContext context, string key, PresignedRequestVerifier verifier)
    {
        var request = context.Request;
        var query = request.Query.Where(q => q.Value.Count == 1).ToDictionary(q => q.Key, q => q.Value[0] ?? "", StringComparer.Ordinal);
        var ifNoneMatch = request.Headers.IfNoneMatch.Count == 1 ? request.Headers.IfNoneMatch[0] : null;
        return verifier.Verify(new PresignedRequest(request.Method, key, query, request.ContentType, ifNoneMatch, request.ContentLength)) switch
        {
            PresignedVerdict.Allowed a => a.Grant,
            PresignedVerdict.Refused r => throw new HttpProblem(r.Status, "Forbidden", r.Message),
            _ => throw new InvalidOperationException("a verdict is one of two"),
        };
    }

    static async Task PutAsync(HttpContext context, IObjectStore store, PresignedGrant grant, CancellationToken cancel)
    {
        context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = grant.MaxBytes;
        var info = await store.PutAsync(grant.Key, context.Request.Body, new PutOptions(grant.IfNoneMatch, grant.ContentType, MaxBytes: grant.MaxBytes), cancel);
        context.Response.StatusCode = 200;
        context.Response.Headers.ETag = info.ETag;
    }

    static async Task GetAsync(HttpContext context, IObjectStore store, string key, CancellationToken cancel)
    {
        ByteRange? range = ByteRange.TryParse(context.Request.Headers.Range, out var parsed) ? parsed : null;
        await using var content = await store.GetAsync(key, range, cancel);
        var response = context.Response;
        response.StatusCode = range is null ? 200 : 206;
        response.ContentType = content.Info.ContentType;
        response.ContentLength = content.Length;
        response.Headers.ETag = content.Info.ETag;
        response.Headers.AcceptRanges = "bytes";
        if (range is not null)
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {content.Offset}-{content.Offset + content.Length - 1}/{content.Info.Size}");
        if (context.Request.Method != "HEAD")
            await content.Stream.CopyToAsync(response.Body, 128 * 1024, cancel);
    }
}
