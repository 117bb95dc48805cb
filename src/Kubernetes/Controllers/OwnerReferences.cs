// Who an object belongs to.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Controllers;

public static class OwnerReferences
{
    /// <summary>A controlling reference: the object goes away with its owner, and its changes wake the owner's controller.</summary>
    /// <exception cref="ArgumentException">The owner has no uid: it is not stored yet.</exception>
    public static OwnerReference To<T>(T owner, bool blockOwnerDeletion = true)
        where T : class, IKubernetesObject
    {
        var resource = ResourceRef.Of(owner.GetType());
        if (owner.Metadata is not { Name: { } name, Uid: { } uid })
            throw new ArgumentException($"{resource} {owner.Metadata.Name}: an owner needs its uid; create it first", nameof(owner));
        return new(resource.ApiVersion, resource.Kind, name, uid, Controller: true, BlockOwnerDeletion: blockOwnerDeletion);
    }

    /// <summary>Key of the controlling owner, if it is of this kind (in any version).</summary>
    public static ObjectKey? ControllerOf(this IKubernetesObject value, ResourceRef owner)
    {
        foreach (var reference in value.Metadata.OwnerReferences ?? [])
        {
            if (reference is { Controller: true } && reference.Kind == owner.Kind && GroupOf(reference.ApiVersion) == owner.Group)
                return new(owner.Namespaced ? value.Metadata.Namespace : null, reference.Name);
        }

        return null;
    }

    /// <summary>True when the controlling owner is this very object, by uid.</summary>
    public static bool IsControlledBy(this IKubernetesObject value, IKubernetesObject owner)
    {
        foreach (var reference in value.Metadata.OwnerReferences ?? [])
        {
            if (reference is { Controller: true } && reference.Uid == owner.Metadata.Uid)
                return true;
        }

        return false;
    }

    static string GroupOf(string apiVersion) =>
        apiVersion.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? apiVersion[..slash] : "";
}
