using System.Text.Json.Serialization;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Benchmarks.Kubernetes;

/// <summary>A small custom resource, about 1 KB as it is stored.</summary>
[KubernetesEntity("bench.framelease.dev", "v1", "Item", "items")]
[CustomResource]
sealed record Item : KubernetesObject
{
    /// <summary>What is wished.</summary>
    public ItemSpec Spec { get; init => field = value ?? new(); } = new();

    /// <summary>What is.</summary>
    public ItemStatus? Status { get; init; }
}

sealed record ItemSpec
{
    /// <summary>Ballast.</summary>
    [Length(0, 1000)]
    public string? Payload { get; init; }
}

sealed record ItemStatus
{
    /// <summary>Name of the round that wrote it.</summary>
    [Length(0, 60)]
    public string? Phase { get; init; }
}

[JsonSerializable(typeof(Item))]
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
sealed partial class ItemJson : JsonSerializerContext;
