namespace Framelease.LocalCluster.ApiServer.Registry;

/// <summary>Every type that is served right now. Readers see one consistent table; a change of a CRD swaps it.</summary>
sealed class ResourceRegistry(IReadOnlyList<ResourceType> builtins)
{
    ResourceTable _table = new(builtins);

    public ResourceTable Table => Volatile.Read(ref _table);

    /// <summary>Replaces the types that come from CustomResourceDefinitions.</summary>
    public void SetCustom(IEnumerable<ResourceType> custom) => Volatile.Write(ref _table, new ResourceTable([.. builtins, .. custom]));
}

sealed class ResourceTable
{
    readonly Dictionary<(string Group, string Version, string Plural), ResourceType> _byPath = [];
    readonly Dictionary<(string ApiVersion, string Kind), ResourceType> _byKind = [];
    readonly Dictionary<string, ResourceType> _byStore = [];

    public ResourceTable(IReadOnlyList<ResourceType> types)
    {
        Types = types;
        foreach (var type in types)
        {
            _byPath[(type.Group, type.Version, type.Plural)] = type;
            _byKind[(type.ApiVersion, type.Kind)] = type;
            _byStore.TryAdd(type.Store, type);
        }
    }

    public IReadOnlyList<ResourceType> Types { get; }

    public ResourceType? Find(string group, string version, string plural) => _byPath.GetValueOrDefault((group, version, plural));

    public ResourceType? FindKind(string apiVersion, string kind) => _byKind.GetValueOrDefault((apiVersion, kind));

    /// <summary>Any type that serves the objects stored under this name.</summary>
    public ResourceType? FindStore(string store) => _byStore.GetValueOrDefault(store);

    /// <summary>Groups in the order of discovery, each with its versions, preferred one first.</summary>
    public IEnumerable<(string Group, IReadOnlyList<string> Versions)> Groups() =>
        Types.GroupBy(type => type.Group).Select(group =>
            (group.Key, (IReadOnlyList<string>)[.. group.Select(type => type.Version).Distinct().OrderByDescending(v => v, VersionOrder.Instance)]));
}

/// <summary>Kubernetes' order of API versions: v2 &gt; v1 &gt; v1beta2 &gt; v1beta1 &gt; v1alpha1 &gt; anything else.</summary>
sealed class VersionOrder : IComparer<string>
{
    public static readonly VersionOrder Instance = new();

    public int Compare(string? x, string? y)
    {
        var (left, right) = (Parse(x ?? ""), Parse(y ?? ""));
        var order = left.CompareTo(right);
        return order != 0 ? order : string.CompareOrdinal(y, x);
    }

    static (int Stability, int Major, int Minor) Parse(string version)
    {
        if (version.Length < 2 || version[0] != 'v')
            return default;
        var rest = version.AsSpan(1);
        var digits = rest.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0)
            return int.TryParse(rest, out var stable) ? (3, stable, 0) : default;
        if (!int.TryParse(rest[..digits], out var major))
            return default;
        var stage = rest[digits..];
        var (level, length) = stage.StartsWith("beta") ? (2, 4) : stage.StartsWith("alpha") ? (1, 5) : (0, 0);
        return level > 0 && int.TryParse(stage[length..], out var minor) ? (level, major, minor) : default;
    }
}
