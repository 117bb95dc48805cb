using System.Text.Json.Nodes;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Cli.Manifests;

/// <param name="Source">File that it came from, for messages.</param>
sealed record Manifest(string Source, JsonObject Content)
{
    public string Kind => (string?)Content["kind"] ?? "";

    public string Name => (string?)Content["metadata"]?["name"] ?? "";
}

/// <summary>Reads what <c>-f</c> names: a file, a directory (its .yaml, .yml and .json files, not deeper, in order of name), or <c>-</c> for standard input.</summary>
static class ManifestFiles
{
    const long MaxBytes = 16 << 20;

    public static IReadOnlyList<Manifest> Read(string path, TextReader standardInput)
    {
        if (path == "-")
            return Read(standardInput.ReadToEnd(), "standard input");
        if (Directory.Exists(path))
        {
            var files = Directory.EnumerateFiles(path).Where(IsManifest).Order(StringComparer.Ordinal).ToList();
            return files.Count > 0
                ? [.. files.SelectMany(ReadFile)]
                : throw CliException.Usage($"{path}: the directory holds no .yaml, .yml or .json file");
        }

        return File.Exists(path) ? ReadFile(path) : throw CliException.Usage($"{path}: no such file or directory");
    }

    static IReadOnlyList<Manifest> ReadFile(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes)
                throw CliException.Usage($"{path}: larger than {MaxBytes >> 20} MiB");
            return Read(File.ReadAllText(path), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(error.Message, ExitCodes.Failed, error);
        }
    }

    internal static IReadOnlyList<Manifest> Read(string text, string source)
    {
        var documents = Documents(text, source);
        var manifests = new List<Manifest>();
        foreach (var document in documents)
        {
            // A List carries its items as manifests of their own.
            if (document["items"] is JsonArray items && ((string?)document["kind"] ?? "").EndsWith("List", StringComparison.Ordinal))
                manifests.AddRange(items.OfType<JsonObject>().Select(item => Checked((JsonObject)item.DeepClone(), source)));
            else
                manifests.Add(Checked(document, source));
        }

        return manifests.Count > 0 ? manifests : throw CliException.Usage($"{source}: holds no manifest");
    }

    static IReadOnlyList<JsonObject> Documents(string text, string source)
    {
        try
        {
            return [.. Yaml.ParseAll(text).Select(node =>
                node as JsonObject ?? throw CliException.Usage($"{source}: a manifest must be a mapping with apiVersion, kind and metadata"))];
        }
        catch (FormatException error)
        {
            throw CliException.Usage($"{source}: {error.Message}");
        }
    }

    static Manifest Checked(JsonObject content, string source)
    {
        foreach (var field in (ReadOnlySpan<string>)["apiVersion", "kind"])
        {
            if (content[field] is not JsonValue value || !value.TryGetValue<string>(out var text) || text.Length == 0)
                throw CliException.Usage($"{source}: {field} is missing; a manifest has apiVersion, kind and metadata");
        }

        if (content["metadata"] is not JsonObject metadata || (metadata["name"] ?? metadata["generateName"]) is not JsonValue)
            throw CliException.Usage($"{source}: {content["kind"]}: metadata.name is missing");
        return new Manifest(source, content);
    }

    static bool IsManifest(string path) => Path.GetExtension(path) is ".yaml" or ".yml" or ".json";
}
