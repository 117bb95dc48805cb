using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Client;

/// <summary>A list, or one page of it. Items carry apiVersion and kind only if the server sent them (built-in kinds come without).</summary>
public sealed record KubernetesList<T>(IReadOnlyList<T> Items, ListMeta Metadata)
{
    /// <summary>Where a watch goes on from.</summary>
    public string ResourceVersion => Metadata.ResourceVersion ?? "";

    /// <summary>Token of the next page; null on the last.</summary>
    public string? Continue => string.IsNullOrEmpty(Metadata.Continue) ? null : Metadata.Continue;
}

public enum WatchEventType
{
    Added,
    Modified,
    Deleted,

    /// <summary>No object; only a newer <see cref="WatchEvent{T}.ResourceVersion"/> to go on from.</summary>
    Bookmark,
}

/// <summary>One change.</summary>
/// <param name="Object">Null for a Bookmark; the last state for Deleted.</param>
/// <param name="ResourceVersion">Where to go on after this event.</param>
/// <param name="EndsInitialEvents">On a Bookmark: everything that there was has been sent (<see cref="WatchOptions.SendInitialEvents"/>).</param>
public readonly record struct WatchEvent<T>(WatchEventType Type, T? Object, string ResourceVersion, bool EndsInitialEvents = false)
    where T : class;
