using System.Text.Json.Serialization;

namespace Framelease.Kubernetes.Models;

/// <summary>Any object with apiVersion, kind and metadata.</summary>
public interface IKubernetesObject
{
    string? ApiVersion { get; }

    string? Kind { get; }

    ObjectMeta Metadata { get; }
}

/// <summary>Base record of typed kinds. apiVersion and kind are filled by the client when they are null.</summary>
/// <remarks>
/// Generated JSON code passes null to an init property that the JSON does not have, initializer or not; so init accessors of this library
/// turn null into the default themselves. Records without generated code need not.
/// </remarks>
public abstract record KubernetesObject : IKubernetesObject
{
    [JsonPropertyOrder(-3)]
    public string? ApiVersion { get; init; }

    [JsonPropertyOrder(-2)]
    public string? Kind { get; init; }

    [JsonPropertyOrder(-1)]
    public ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
}

/// <summary>metadata, the fields that controllers use; fields that we do not know are not kept, so patch instead of replace objects of others.</summary>
public sealed record ObjectMeta
{
    public string? Name { get; init; }

    public string? GenerateName { get; init; }

    public string? Namespace { get; init; }

    public string? Uid { get; init; }

    public string? ResourceVersion { get; init; }

    public long? Generation { get; init; }

    public DateTimeOffset? CreationTimestamp { get; init; }

    public DateTimeOffset? DeletionTimestamp { get; init; }

    public long? DeletionGracePeriodSeconds { get; init; }

    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    public IReadOnlyList<OwnerReference>? OwnerReferences { get; init; }

    public IReadOnlyList<string>? Finalizers { get; init; }
}

public sealed record OwnerReference(string ApiVersion, string Kind, string Name, string Uid, bool? Controller = null, bool? BlockOwnerDeletion = null);

/// <summary>metav1.Condition.</summary>
/// <param name="Status"><c>True</c>, <c>False</c> or <c>Unknown</c>.</param>
public sealed record Condition(
    string Type, string Status, string Reason, string Message, DateTimeOffset LastTransitionTime, long? ObservedGeneration = null);

/// <summary>Name and namespace of an object; what work queues carry. <see cref="Namespace"/> is null for cluster-scoped kinds.</summary>
public readonly record struct ObjectKey(string? Namespace, string Name)
{
    public override string ToString() => Namespace is null ? Name : $"{Namespace}/{Name}";
}

public static class KubernetesObjectExtensions
{
    /// <summary>Namespace and name.</summary>
    public static ObjectKey Key(this IKubernetesObject value) => new(value.Metadata.Namespace, value.Metadata.Name ?? "");
}
