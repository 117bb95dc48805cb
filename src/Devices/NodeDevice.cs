using System.Text.Json;
using System.Text.Json.Serialization;

namespace Framelease.Devices;

/// <summary>A device as a node publishes it in its annotation <c>framelease.dev/devices</c>.</summary>
/// <param name="Id">The GPU's UUID, or the name of a software slot: the same after every restart.</param>
/// <param name="MemoryMiB">0 for software slots.</param>
/// <param name="Kind"><c>Gpu</c> or <c>Software</c>.</param>
/// <param name="Health"><c>Degraded</c> when it is unfit for work; absent = healthy.</param>
/// <param name="HealthReason">Why, for people; for example an Xid error.</param>
public sealed record NodeDevice(
    string Id, int Index, string Name, long MemoryMiB, string Kind, string? Health = null, string? HealthReason = null);

/// <summary>The annotation's text.</summary>
public static class DeviceAnnotation
{
    public const string Name = "framelease.dev/devices";

    public static string Write(IReadOnlyList<NodeDevice> devices) =>
        JsonSerializer.Serialize(devices, NodeDeviceJson.Default.IReadOnlyListNodeDevice);

    /// <returns>Null for what is no such list.</returns>
    public static IReadOnlyList<NodeDevice>? Read(string? text)
    {
        try
        {
            return string.IsNullOrEmpty(text) ? null : Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <exception cref="JsonException">It is no such list; says why.</exception>
    public static IReadOnlyList<NodeDevice> Parse(string text) =>
        JsonSerializer.Deserialize(text, NodeDeviceJson.Default.IReadOnlyListNodeDevice) ?? [];
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<NodeDevice>))]
sealed partial class NodeDeviceJson : JsonSerializerContext;
