// Name, namespace and version of an object, be it a record or a JsonObject.
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Client;

static class ObjectInfo
{
    public static string? Name(object value) => Field(value, static m => m.Name, "name");

    public static string? Namespace(object value) => Field(value, static m => m.Namespace, "namespace");

    public static string? ResourceVersion(object value) => Field(value, static m => m.ResourceVersion, "resourceVersion");

    /// <summary>The same object with apiVersion and kind; of <paramref name="resource"/>, or of its own attribute when that is null.</summary>
    public static T WithKind<T>(T value, ResourceRef? resource)
        where T : class
    {
        switch (value)
        {
            case KubernetesObject { ApiVersion: not null, Kind: not null }:
            case JsonObject node when node["apiVersion"] is not null && node["kind"] is not null:
                return value;
            case KubernetesObject record:
                resource ??= ResourceRef.Of(value.GetType());
                return (T)(object)(record with { ApiVersion = resource.ApiVersion, Kind = resource.Kind });
            case JsonObject node when resource is not null:
                var copy = (JsonObject)node.DeepClone();
                (copy["apiVersion"], copy["kind"]) = (resource.ApiVersion, resource.Kind);
                return (T)(object)copy;
            default:
                return value;
        }
    }

    static string? Field(object value, Func<ObjectMeta, string?> typed, string name) => value switch
    {
        IKubernetesObject known => typed(known.Metadata),
        JsonObject node => node["metadata"]?[name]?.GetValue<string>(),
        _ => throw new ArgumentException($"{value.GetType()} has no metadata: implement {nameof(IKubernetesObject)}, or use JsonObject", nameof(value)),
    };
}
