// A node of a kubeconfig that knows which file and field it is, so that every error can say so.
using System.Text.Json.Nodes;

namespace Framelease.Kubernetes.Configuration;

readonly record struct ConfigNode(string File, string Field, JsonNode? Node)
{
    public bool IsMissing => Node is null;

    /// <exception cref="KubeConfigException">Neither absent nor a mapping.</exception>
    public ConfigNode this[string name] => Node switch
    {
        null => new(File, Join(name), null),
        JsonObject map => new(File, Join(name), map[name]),
        _ => throw Wrong("must be a mapping"),
    };

    /// <exception cref="KubeConfigException">Neither absent nor a list.</exception>
    public IEnumerable<ConfigNode> Items()
    {
        if (Node is null)
            return [];
        var (file, field) = (File, Field);
        return Node is JsonArray list ? list.Select((item, i) => new ConfigNode(file, $"{field}[{i}]", item)) : throw Wrong("must be a list");
    }

    /// <summary>Null when absent or empty.</summary>
    /// <exception cref="KubeConfigException">Not text.</exception>
    public string? Text()
    {
        if (Node is null)
            return null;
        if (Node is JsonValue value && value.GetValueKind() is not (System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False))
            return value.ToString() is { Length: > 0 } text ? text : null;
        throw Wrong("must be text");
    }

    public string Required(string hint) => Text() ?? throw Wrong($"is missing: {hint}");

    public bool Flag() => Node switch
    {
        null => false,
        JsonValue value when value.TryGetValue<bool>(out var flag) => flag,
        _ => throw Wrong("must be true or false"),
    };

    /// <summary>Base64 text as bytes; null when absent.</summary>
    public byte[]? Bytes()
    {
        if (Text() is not { } text)
            return null;
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length)
            ? bytes[..length]
            : throw Wrong("is not valid base64");
    }

    /// <summary>Path of the file that the field names, relative to the kubeconfig's folder; null when absent.</summary>
    /// <exception cref="KubeConfigException">It can not be read.</exception>
    public string? ReadableFile()
    {
        if (FilePath() is not { } path)
            return null;
        try
        {
            using var file = System.IO.File.OpenRead(path);
            return path;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KubeConfigException($"kubeconfig {File}: {Field}: cannot read {path}: {error.Message}", error);
        }
    }

    public string? FilePath() => Text() is { } path ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(File)) ?? "", path) : null;

    public KubeConfigException Wrong(string what) => new($"kubeconfig {File}: {Field} {what}");

    string Join(string name) => Field.Length == 0 ? name : $"{Field}.{name}";
}
