using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Framelease.ObjectStorage.Presigning;

/// <summary>What a presigned URL allows.</summary>
/// <param name="Method">GET (also HEAD) or PUT.</param>
/// <param name="ExpiresAt">Unix seconds of the verifier's clock.</param>
/// <param name="MaxBytes">PUT: largest body; 0 with GET.</param>
/// <param name="ContentType">PUT: the type that the request must carry; empty with GET.</param>
/// <param name="IfNoneMatch">PUT: the request must carry <c>If-None-Match: *</c>.</param>
public sealed record PresignedGrant(string Method, string Key, long ExpiresAt, long MaxBytes, string ContentType, bool IfNoneMatch);

/// <summary>
/// Signs and verifies the directory backend's URLs: HMAC-SHA256 over everything that the URL allows.
/// The first key signs; all verify, so that a key can be replaced while its URLs are about.
/// </summary>
public sealed class PresignedUrls
{
    /// <summary>Shortest key accepted.</summary>
    public const int MinKeyBytes = 32;

    static readonly TimeSpan MaxExpiry = TimeSpan.FromDays(7);
    readonly Func<Uri> _base;
    readonly IReadOnlyList<byte[]> _keys;
    readonly TimeProvider _time;

    /// <param name="baseUri">Where the objects are served, for example <c>http://127.0.0.1:8788/objects/v1/</c>; asked for every URL.</param>
    /// <param name="keys">At least one, each of <see cref="MinKeyBytes"/> random bytes or more.</param>
    public PresignedUrls(Func<Uri> baseUri, IReadOnlyList<byte[]> keys, TimeProvider time)
    {
        if (keys.Count == 0 || keys.Any(k => k.Length < MinKeyBytes))
            throw new ArgumentException($"at least one signing key of {MinKeyBytes} bytes or more is needed", nameof(keys));
        _base = baseUri;
        _keys = keys;
        _time = time;
    }

    internal IReadOnlyList<byte[]> Keys => _keys;

    internal TimeProvider Time => _time;

    public Uri Get(string key, TimeSpan expiry) => Sign(new PresignedGrant("GET", key, ExpiresAt(expiry), 0, "", IfNoneMatch: false));

    public Uri Put(string key, PresignPutOptions options) =>
        Sign(new PresignedGrant("PUT", key, ExpiresAt(options.Expiry), options.MaxBytes, options.ContentType, options.IfNoneMatch));

    Uri Sign(PresignedGrant grant)
    {
        ObjectKey.Validate(grant.Key);
        if (grant.ContentType.Any(char.IsControl) || grant.MaxBytes < 0)
            throw new ArgumentException("the content type may hold no control character, and MaxBytes may not be negative", nameof(grant));
        var path = string.Join('/', grant.Key.Split('/').Select(Uri.EscapeDataString));
        var query = new StringBuilder($"?m={grant.Method}&e={grant.ExpiresAt}");
        if (grant.Method == "PUT")
            query.Append($"&max={grant.MaxBytes}&ct={Uri.EscapeDataString(grant.ContentType)}&inm={(grant.IfNoneMatch ? 1 : 0)}");
        query.Append("&s=").Append(Convert.ToHexStringLower(Signature(_keys[0], grant)));
        return new Uri(_base(), path + query);
    }

    long ExpiresAt(TimeSpan expiry) => expiry >= TimeSpan.FromSeconds(1) && expiry <= MaxExpiry
        ? (_time.GetUtcNow() + expiry).ToUnixTimeSeconds()
        : throw new ArgumentOutOfRangeException(nameof(expiry), expiry, "allowed: 1 second to 7 days");

    // one field a line; no field can hold a line end (keys and types are checked), so two grants never share a text
    internal static byte[] Signature(byte[] secret, PresignedGrant grant) => HMACSHA256.HashData(
        secret,
        Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"framelease-presigned-1\n{grant.Method}\n{grant.Key}\n{grant.ExpiresAt}\n{grant.MaxBytes}\n{grant.ContentType}\n{grant.IfNoneMatch}")));
}
