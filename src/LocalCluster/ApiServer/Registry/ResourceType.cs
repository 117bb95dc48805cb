using Framelease.LocalCluster.ApiServer.Schema;
using Framelease.LocalCluster.ApiServer.Tables;

namespace Framelease.LocalCluster.ApiServer.Registry;

/// <summary>One served version of one kind of object, built in or from a CustomResourceDefinition.</summary>
sealed record ResourceType
{
    public static readonly IReadOnlyList<string> AllVerbs =
        ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    public required string Group { get; init; }
    public required string Version { get; init; }
    public required string Kind { get; init; }
    public required string Plural { get; init; }
    public string Singular { get; init; } = "";
    public string ListKind { get; init; } = "";
    public bool Namespaced { get; init; }
    public IReadOnlyList<string> ShortNames { get; init; } = [];
    public IReadOnlyList<string> Categories { get; init; } = [];
    public IReadOnlyList<string> Verbs { get; init; } = AllVerbs;

    /// <summary>Status is written only through <c>/status</c>, everything else only beside it.</summary>
    public bool HasStatus { get; init; }

    /// <summary><c>metadata.generation</c> counts the changes of what the user wants.</summary>
    public bool TracksGeneration { get; init; }

    /// <summary>What objects may hold; null keeps everything.</summary>
    public SchemaNode? Schema { get; init; }

    public IReadOnlyList<PrinterColumn> Columns { get; init; } = [];
    public ITableRows? Rows { get; init; }
    public ResourceStrategy Strategy { get; init; } = ResourceStrategy.Default;

    /// <summary>Other subresources than status, by name, for discovery.</summary>
    public IReadOnlyList<SubresourceType> Subresources { get; init; } = [];

    /// <summary>Where the scale subresource finds its numbers; null when there is none.</summary>
    public ScalePaths? Scale { get; init; }

    /// <summary>JSON paths that field selectors may name besides metadata.name and metadata.namespace.</summary>
    public IReadOnlyList<string> SelectableFields { get; init; } = [];

    /// <summary>True for types made by a CustomResourceDefinition.</summary>
    public bool IsCustom { get; init; }

    /// <summary>Objects of types that share a storage name are the same objects in different versions.</summary>
    public string StorageName { get; init; } = "";

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary><c>plural.group</c>, as error messages and storage name it.</summary>
    public string GroupResource => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    public string GroupKind => Group.Length == 0 ? Kind : $"{Kind}.{Group}";

    public string Store => StorageName.Length > 0 ? StorageName : GroupResource;

    public bool Can(string verb) => Verbs.Contains(verb);
}

/// <param name="Name">Such as <c>log</c> or <c>token</c>.</param>
/// <param name="Kind">The kind it answers with.</param>
/// <param name="ApiVersion">The version of that kind, when it is another group's.</param>
/// <param name="Verbs">What it can do.</param>
sealed record SubresourceType(string Name, string Kind, string? ApiVersion, IReadOnlyList<string> Verbs);

/// <summary>The fields behind a scale subresource, as member names from the root.</summary>
/// <param name="Spec">Wanted replicas.</param>
/// <param name="Status">Replicas that are there.</param>
/// <param name="Selector">Text of the label selector of the replicas; null when there is none.</param>
sealed record ScalePaths(string[] Spec, string[] Status, string[]? Selector)
{
    public static readonly SubresourceType Discovery = new("scale", "Scale", "autoscaling/v1", ["get", "patch", "update"]);
}
