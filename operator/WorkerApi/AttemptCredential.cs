using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Framelease.Operator.Attempts;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// The credential that attach answers and that beat, complete and fail carry: the fence, signed by a key that only the replicas share (R5: no API server
/// is asked after attach). It needs no expiry of its own, because it opens nothing once its attempt is over.
/// </summary>
sealed class AttemptCredential(byte[] key)
{
    const string Prefix = "fla1.";
    const int MaxLength = 2048;

    public string Issue(AttemptFence fence)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(fence, CredentialJson.Default.AttemptFence);
        return $"{Prefix}{Encode(payload)}.{Encode(HMACSHA256.HashData(key, payload))}";
    }

    /// <returns>Null for anything that this platform did not sign.</returns>
    public AttemptFence? Verify(string? credential)
    {
        if (credential is null || credential.Length > MaxLength || !credential.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var parts = credential[Prefix.Length..].Split('.');
        if (parts.Length != 2 || Decode(parts[0]) is not { } payload || Decode(parts[1]) is not { } mac)
            return null;
        return CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(key, payload), mac)
            ? JsonSerializer.Deserialize(payload, CredentialJson.Default.AttemptFence)
            : null;
    }

    static string Encode(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    static byte[]? Decode(string text)
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

[JsonSerializable(typeof(AttemptFence))]
sealed partial class CredentialJson : JsonSerializerContext;
