// Which resource: group, version and plural, and how its URLs look.
using System.Reflection;
using System.Text;
using Framelease.Kubernetes.Schema;

namespace Framelease.Kubernetes.Client;

/// <summary>A resource of the API server, named by hand, by <see cref="Of{T}"/> or by discovery.</summary>
/// <param name="Group">Empty for core.</param>
/// <param name="Plural">As in URLs, for example <c>pods</c>.</param>
public sealed record ResourceRef(string Group, string Version, string Plural, string Kind, bool Namespaced)
{
    /// <summary><c>v1</c>, <c>apps/v1</c>, …</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>The resource of a type marked with <see cref="KubernetesEntityAttribute"/>.</summary>
    /// <exception cref="ArgumentException">The type is not marked.</exception>
    public static ResourceRef Of<T>() => Cache<T>.Value;

    /// <summary>The resource of a type marked with <see cref="KubernetesEntityAttribute"/>.</summary>
    /// <exception cref="ArgumentException">The type is not marked.</exception>
    public static ResourceRef Of(Type type)
    {
        var entity = type.GetCustomAttribute<KubernetesEntityAttribute>()
            ?? throw new ArgumentException($"{type} is not a Kubernetes kind: mark it with [KubernetesEntity]", nameof(type));
        return new(entity.Group, entity.ApiVersion, entity.PluralName, entity.Kind, entity.Namespaced);
    }

    /// <summary>Path below the server's address.</summary>
    /// <param name="ns">Null on a namespaced resource means all namespaces; ignored for cluster-scoped resources.</param>
    /// <param name="name">Null for the collection.</param>
    public string Path(string? ns, string? name = null, string? subresource = null)
    {
        var path = new StringBuilder(96);
        path.Append(Group.Length == 0 ? "api/" : "apis/").Append(ApiVersion);
        if (Namespaced && ns is not null)
        {
            PathSegments.Check(this, "namespace", ns);
            path.Append("/namespaces/").Append(Uri.EscapeDataString(ns));
        }

        path.Append('/').Append(Plural);
        if (name is not null)
            path.Append('/').Append(Uri.EscapeDataString(name));
        if (subresource is not null)
            path.Append('/').Append(subresource);
        return path.ToString();
    }

    public override string ToString() => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    static class Cache<T>
    {
        public static readonly ResourceRef Value = Of(typeof(T));
    }
}
