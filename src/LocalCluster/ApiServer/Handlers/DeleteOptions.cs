using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>How a deletion is to be made.</summary>
/// <param name="GraceSeconds">What the caller leaves to whoever runs the object; null leaves it to the object.</param>
/// <param name="Propagation">Background, Foreground or Orphan; null keeps what finalizers on the object say.</param>
/// <param name="Uid">The deletion is refused when the object has another uid.</param>
/// <param name="ResourceVersion">The deletion is refused when the object is at another version.</param>
/// <param name="DryRun">Nothing is deleted.</param>
sealed record DeleteOptions(
    long? GraceSeconds = null, string? Propagation = null, string? Uid = null, string? ResourceVersion = null, bool DryRun = false)
{
    public static readonly DeleteOptions None = new();

    public static async Task<DeleteOptions> ReadAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var bytes = await RequestBody.ReadAsync(context);
        var body = bytes.Length == 0 ? [] : RequestBody.ParseObject(bytes, RequestBody.MediaType(context), []);
        var grace = body.Int("gracePeriodSeconds");
        if (grace is null && query["gracePeriodSeconds"].ToString() is { Length: > 0 } text)
            grace = long.TryParse(text, out var seconds) ? seconds : throw ApiErrors.BadRequest($"gracePeriodSeconds: \"{text}\" is not a number");
        if (grace < 0)
            throw ApiErrors.BadRequest("gracePeriodSeconds: must be greater than or equal to 0");
        var orphan = body.Bool("orphanDependents") ?? (query["orphanDependents"].ToString() is { Length: > 0 } flag ? flag == "true" : null);
        var propagation = body.Str("propagationPolicy")
            ?? (query["propagationPolicy"].ToString() is { Length: > 0 } policy ? policy : null)
            ?? (orphan is { } keep ? keep ? "Orphan" : "Background" : null);
        if (propagation is not (null or "Background" or "Foreground" or "Orphan"))
        {
            throw ApiErrors.BadRequest($"propagationPolicy: Unsupported value: \"{propagation}\": supported values: "
                + "\"Background\", \"Foreground\", \"Orphan\"");
        }

        var dryRun = body.Arr("dryRun").Strings().Any() || WriteOptions.ParseDryRun(query["dryRun"]!);
        var preconditions = body.Obj("preconditions");
        return new DeleteOptions(grace, propagation, preconditions.Str("uid"), preconditions.Str("resourceVersion"), dryRun);
    }
}
