namespace Framelease.Kubernetes.Models;

/// <summary>apiVersion, kind and metadata of any object: for bookmarks, and for code that only needs to know that something is there.</summary>
public sealed record PartialObject : KubernetesObject;

/// <summary>metadata of a list.</summary>
public sealed record ListMeta
{
    public string? ResourceVersion { get; init; }

    /// <summary>Token of the next page; null on the last.</summary>
    public string? Continue { get; init; }

    public long? RemainingItemCount { get; init; }
}
