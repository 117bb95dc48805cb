using System.Text.Json;
using System.Text.Json.Serialization;

namespace Framelease.ObjectStorage.Directories;

/// <summary>
/// What the directory backend knows of an object besides its bytes. It is bound to one version by size and time stamp: when they differ from the file's
/// (a crash between the two writes, or a file put there by hand), the digest is computed afresh, so a sidecar can be lost but never lie.
/// </summary>
sealed record Sidecar(long Size, long ModifiedTicks, string Sha256, string ContentType)
{
    public const string Suffix = ".framelease-meta";

    public static Sidecar? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), SidecarJson.Default.Sidecar);
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, SidecarJson.Default.Sidecar);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Sidecar))]
sealed partial class SidecarJson : JsonSerializerContext;
