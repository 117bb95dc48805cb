// The one place that says how C# types become Kubernetes JSON and back.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Serialization;

/// <summary>camelCase names, nulls omitted, enums as their C# names (CamelCase, as Kubernetes writes them), unknown fields ignored.</summary>
public static class KubernetesJson
{
    /// <summary>Options without resolvers of a caller: the models of this library from generated code, all else by reflection.</summary>
    public static JsonSerializerOptions Default { get; } = CreateOptions([]);

    /// <summary>Options that ask <paramref name="resolvers"/> first, then this library's generated metadata, then reflection.</summary>
    public static JsonSerializerOptions CreateOptions(IEnumerable<IJsonTypeInfoResolver> resolvers)
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = 128,
            Converters = { new TimeConverter(), new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false) },
        };
        foreach (var resolver in resolvers)
            options.TypeInfoResolverChain.Add(resolver);
        options.TypeInfoResolverChain.Add(KubernetesJsonContext.Default);
        options.TypeInfoResolverChain.Add(new DefaultJsonTypeInfoResolver());
        options.MakeReadOnly();
        return options;
    }

    /// <summary>Any object as a JSON object, by <see cref="Default"/> unless told otherwise.</summary>
    public static JsonObject ToNode(object value, JsonSerializerOptions? options = null) =>
        value as JsonObject
        ?? JsonSerializer.SerializeToNode(value, (options ?? Default).GetTypeInfo(value.GetType())) as JsonObject
        ?? throw new ArgumentException($"{value.GetType()} does not serialize to a JSON object", nameof(value));

    internal static JsonTypeInfo<T> Info<T>(this JsonSerializerOptions options) => (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
}

[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(Node))]
[JsonSerializable(typeof(ResourceSlice))]
[JsonSerializable(typeof(ResourceClaim))]
[JsonSerializable(typeof(DeviceClass))]
[JsonSerializable(typeof(Namespace))]
[JsonSerializable(typeof(ConfigMap))]
[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(ServiceAccount))]
[JsonSerializable(typeof(Lease))]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(TokenReview))]
[JsonSerializable(typeof(SubjectAccessReview))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(Scale))]
[JsonSerializable(typeof(Status))]
[JsonSerializable(typeof(PartialObject))]
[JsonSerializable(typeof(ListMeta))]
[JsonSerializable(typeof(DeleteBody))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(JsonNode))]
[JsonSerializable(typeof(JsonElement))]
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
sealed partial class KubernetesJsonContext : JsonSerializerContext;
