// What a fresh cluster needs before the operator starts: the definitions of our kinds, and one engine, pool and tenant to begin with.
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Framelease.Cli.Manifests;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Schema;
using Framelease.Resources;

namespace Framelease.Cli.Up;

static class PlatformObjects
{
    const string HashAnnotation = ApiGroup.Name + "/definition-hash";

    const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    static readonly ResourceRef Definitions =
        new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", Namespaced: false);

    /// <summary>Definitions are brought to this version; engine, pool and tenant are only made when missing, because they are the user's.</summary>
    public static async Task EnsureAsync(IKubernetesClient client, CancellationToken ct)
    {
        foreach (var kind in CustomResources.All)
            await EnsureDefinitionAsync(client, CrdGenerator.Generate(kind), ct);
        foreach (var manifest in Samples())
            await EnsureObjectAsync(client, manifest, ct);
    }

    /// <summary>The manifests of samples/ that every platform starts with; the same files that users apply to their clusters.</summary>
    public static IEnumerable<Manifest> Samples()
    {
        var assembly = typeof(PlatformObjects).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.EndsWith(".yaml", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            foreach (var manifest in ManifestFiles.Read(reader.ReadToEnd(), name))
                yield return manifest;
        }
    }

    static async Task EnsureDefinitionAsync(IKubernetesClient client, JsonObject wish, CancellationToken ct)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(wish.ToJsonString())))[..16];
        wish["metadata"]!["annotations"] = new JsonObject { [HashAnnotation] = hash };
        var name = (string)wish["metadata"]!["name"]!;
        var present = await client.FindAsync(Definitions, name, null, ct);
        if (present is null)
        {
            await client.CreateAsync(Definitions, wish, ct);
        }
        else if ((string?)present["metadata"]?["annotations"]?[HashAnnotation] != hash)
        {
            // Replaced as a whole: a field that a new version dropped must not stay behind.
            wish["metadata"]!["resourceVersion"] = (string?)present["metadata"]?["resourceVersion"];
            await client.ReplaceAsync(Definitions, wish, null, null, ct);
        }
    }

    static async Task EnsureObjectAsync(IKubernetesClient client, Manifest manifest, CancellationToken ct)
    {
        var type = CustomResources.All.First(t => t.Name == manifest.Kind);
        var resource = ResourceRef.Of(type);
        if (await client.FindAsync(resource, manifest.Name, null, ct) is not null)
            return;
        // As `kubectl apply` leaves it, so that the user's own apply of the same file goes on from here without a warning.
        var wish = (JsonObject)manifest.Content.DeepClone();
        var metadata = wish["metadata"]!.AsObject();
        var annotations = metadata["annotations"] as JsonObject;
        if (annotations is null)
            metadata["annotations"] = annotations = [];
        annotations[LastApplied] = Sorted(wish)!.ToJsonString() + "\n";
        await client.CreateAsync(resource, wish, ct);
    }

    // kubectl writes keys in order, and compares the text.
    static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject o => new JsonObject(o.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, Sorted(p.Value)))),
        JsonArray a => new JsonArray([.. a.Select(Sorted)]),
        _ => node?.DeepClone(),
    };
}
