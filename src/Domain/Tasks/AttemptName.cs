using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Framelease.Domain.Tasks;

/// <summary>
/// Deterministic name of an attempt's GpuLease and pod (R6): <c>{task, ≤ 30}-{10 hex of uid}-{scene}-{attempt}</c>, at most 63 characters,
/// a DNS label. A crash between "created" and "recorded" therefore finds the same object again instead of making a second one.
/// </summary>
public static class AttemptName
{
    public static string Of(string taskName, string taskUid, int scene, int attempt)
    {
        var letters = taskName.Take(30).Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-');
        var stem = new string([.. letters]).Trim('-');
        if (stem.Length == 0)
            stem = "task";
        return string.Create(CultureInfo.InvariantCulture, $"{stem}-{TenHex(taskUid)}-{scene}-{attempt}");
    }

    // The API server makes UUIDs. Whatever else calls itself a uid is hashed, so that two of them never share a name by lack of hex digits.
    static string TenHex(string uid) => Guid.TryParse(uid, out var guid)
        ? guid.ToString("N")[..10]
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(uid)))[..10];

    /// <summary>Staging key of an attempt: carries attempt and token, so that no two holders ever write one key.</summary>
    public static string StagingKey(string tenant, string taskUid, int scene, int attempt, long token, string extension) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"tenants/{tenant}/tasks/{taskUid}/scene-{scene}/attempt-{attempt}-token-{token}{extension}");
}
