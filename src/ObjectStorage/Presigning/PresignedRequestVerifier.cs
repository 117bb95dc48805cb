using System.Globalization;
using System.Security.Cryptography;

namespace Framelease.ObjectStorage.Presigning;

/// <summary>A request to <c>/objects/v1/{key}</c>, as the HTTP endpoint sees it.</summary>
/// <param name="Method">GET, HEAD or PUT.</param>
/// <param name="Key">The path behind the base, decoded.</param>
/// <param name="Query">Decoded query parameters; a parameter given twice must be left out.</param>
/// <param name="ContentLength">Null when the body is chunked; the endpoint then counts against <see cref="PresignedGrant.MaxBytes"/>.</param>
public sealed record PresignedRequest(
    string Method, string Key, IReadOnlyDictionary<string, string> Query, string? ContentType, string? IfNoneMatch, long? ContentLength);

/// <summary>Whether a presigned request is served.</summary>
public abstract record PresignedVerdict
{
    PresignedVerdict()
    {
    }

    public sealed record Allowed(PresignedGrant Grant) : PresignedVerdict;

    /// <param name="Status">HTTP status: 400, 403, 405 or 413.</param>
    /// <param name="Message">For the caller; never says how close a forged signature was.</param>
    public sealed record Refused(int Status, string Message) : PresignedVerdict;
}

/// <summary>Checks signature (in constant time), expiry and limits of a presigned request. Touches no object.</summary>
public sealed class PresignedRequestVerifier(PresignedUrls urls)
{
    public PresignedVerdict Verify(PresignedRequest request)
    {
        if (ObjectKey.Problem(request.Key) is { } problem)
            return new PresignedVerdict.Refused(400, $"The object key is not valid: {problem}.");
        if (!TryRead(request, out var grant, out var signature))
            return new PresignedVerdict.Refused(403, "This URL carries no complete signature. Use the URL unchanged as it was handed out.");
        if (!IsGenuine(grant, signature))
            return new PresignedVerdict.Refused(403, "The signature does not match this URL. Use the URL unchanged as it was handed out.");
        if (urls.Time.GetUtcNow().ToUnixTimeSeconds() >= grant.ExpiresAt)
            return new PresignedVerdict.Refused(403, "This URL has expired. Ask for a fresh one.");
        if (request.Method != grant.Method && !(request.Method == "HEAD" && grant.Method == "GET"))
            return new PresignedVerdict.Refused(405, $"This URL allows {grant.Method} only.");
        return grant.Method == "PUT" ? VerifyPut(request, grant) : new PresignedVerdict.Allowed(grant);
    }

    static PresignedVerdict VerifyPut(PresignedRequest request, PresignedGrant grant)
    {
        if (!string.Equals(request.ContentType, grant.ContentType, StringComparison.OrdinalIgnoreCase))
            return new PresignedVerdict.Refused(403, $"This URL is signed for Content-Type '{grant.ContentType}'. Send exactly that header.");
        if (grant.IfNoneMatch && request.IfNoneMatch?.Trim() != "*")
            return new PresignedVerdict.Refused(403, "This URL is signed for 'If-None-Match: *'. Send that header.");
        return request.ContentLength > grant.MaxBytes
            ? new PresignedVerdict.Refused(413, $"The body has {request.ContentLength} bytes; this URL allows {grant.MaxBytes}.")
            : new PresignedVerdict.Allowed(grant);
    }

    bool IsGenuine(PresignedGrant grant, byte[] signature)
    {
        var genuine = false;
        foreach (var key in urls.Keys)
            genuine |= CryptographicOperations.FixedTimeEquals(PresignedUrls.Signature(key, grant), signature);
        return genuine;
    }

    static bool TryRead(PresignedRequest request, out PresignedGrant grant, out byte[] signature)
    {
        var query = request.Query;
        grant = new PresignedGrant(
            query.GetValueOrDefault("m", ""), request.Key, Number(query, "e"), Number(query, "max"), query.GetValueOrDefault("ct", ""),
            query.GetValueOrDefault("inm") == "1");
        signature = [];
        if (!query.TryGetValue("s", out var text) || text.Length != 64 || grant.Method is not ("GET" or "PUT"))
            return false;
        signature = new byte[32];
        return Convert.FromHexString(text, signature, out _, out _) == System.Buffers.OperationStatus.Done;
    }

    static long Number(IReadOnlyDictionary<string, string> query, string name) =>
        long.TryParse(query.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
