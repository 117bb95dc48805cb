using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Framelease.Operator.WorkerApi;

/// <summary>The fence of a lease without a task: what a beat and a release must equal (R2).</summary>
/// <param name="Holder">As it attached.</param>
sealed record HolderFence(string LeaseUid, string Holder, long Token);

/// <summary>
/// The credential of whoever holds a lease without a task, as <see cref="AttemptCredential"/> is for attempts. Its kind is signed with it, so
/// that neither can stand for the other.
/// </summary>
sealed class HolderCredential(byte[] key)
{
    const string Prefix = "flh1.";
    const int MaxLength = 1024;

    public string Issue(HolderFence fence)
    {
        var payload = Base64(JsonSerializer.SerializeToUtf8Bytes(fence, HolderCredentialJson.Default.HolderFence));
        return $"{Prefix}{payload}.{Base64(Sign(payload))}";
    }

    /// <returns>Null for anything that this platform did not sign.</returns>
    public HolderFence? Verify(string? credential)
    {
        if (credential is null || credential.Length > MaxLength || !credential.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var parts = credential[Prefix.Length..].Split('.');
        if (parts.Length != 2 || Bytes(parts[0]) is not { } payload || Bytes(parts[1]) is not { } mac)
            return null;
        return CryptographicOperations.FixedTimeEquals(Sign(parts[0]), mac)
            ? JsonSerializer.Deserialize(payload, HolderCredentialJson.Default.HolderFence)
            : null;
    }

    byte[] Sign(string payload) => HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(Prefix + payload));

    static string Base64(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    static byte[]? Bytes(string text)
    {
        try
        {
            return System.Buffers.Text.Base64Url.DecodeFromChars(text);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(HolderFence))]
sealed partial class HolderCredentialJson : JsonSerializerContext;
