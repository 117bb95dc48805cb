using System.Text.Json;

namespace Framelease.LocalCluster.Node.Images;

/// <summary>What stands for a container image on this machine: a program, the arguments before the pod's own, variables.</summary>
/// <param name="Program">Absolute, relative to the table's file, or a bare name that is looked up in PATH.</param>
sealed record ImageEntry(string Program, IReadOnlyList<string>? Args = null, IReadOnlyDictionary<string, string>? Env = null);

/// <summary>The table file: <c>{"images": {"name[:tag]": {"program": "…", "args": […], "env": {…}}}}</c>.</summary>
sealed record ImageFile(IReadOnlyDictionary<string, ImageEntry> Images);

/// <summary>An image for which there is no program here. The message says how to mend it; it becomes the waiting message of the container.</summary>
sealed class ImageUnavailableException(string message) : Exception(message);

/// <summary>The table of images, read again when its file changes, so that a missing image is mended without a restart.</summary>
sealed class ImageTable(string file)
{
    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        AllowTrailingCommas = true, ReadCommentHandling = JsonCommentHandling.Skip,
    };

    readonly Lock _gate = new();
    (DateTime Written, long Length) _version;
    IReadOnlyDictionary<string, ImageEntry> _images = new Dictionary<string, ImageEntry>();

    /// <summary>The entry for exactly this name and tag, else for the name without tag and digest.</summary>
    /// <exception cref="ImageUnavailableException">There is none, or the file cannot be read.</exception>
    internal ImageEntry Find(string? image)
    {
        if (string.IsNullOrWhiteSpace(image))
            throw new ImageUnavailableException("the container names no image");
        lock (_gate)
        {
            Refresh();
            var entry = _images.GetValueOrDefault(image) ?? _images.GetValueOrDefault(Untagged(image)) ??
                throw new ImageUnavailableException(
                    $"image \"{image}\" has no program on this machine: add \"{Untagged(image)}\": {{\"program\": \"/path/to/program\"}} " +
                    $"under \"images\" in {file}. Known images: {(_images.Count == 0 ? "none" : string.Join(", ", _images.Keys.Order()))}");
            var program = entry.Program;
            if (program.Contains('/', StringComparison.Ordinal))
                program = Path.GetFullPath(program, Path.GetDirectoryName(Path.GetFullPath(file))!);
            return Path.IsPathRooted(program) && !File.Exists(program)
                ? throw new ImageUnavailableException($"image \"{image}\": its program {program} does not exist; install it or mend {file}")
                : entry with { Program = program };
        }
    }

    void Refresh()
    {
        var info = new FileInfo(file);
        if (!info.Exists)
            throw new ImageUnavailableException($"the image table {file} does not exist; write {{\"images\": {{}}}} into it and add images there");
        var version = (info.LastWriteTimeUtc, info.Length);
        if (version == _version)
            return;
        try
        {
            _images = JsonSerializer.Deserialize<ImageFile>(File.ReadAllBytes(file), Json)?.Images ?? _images;
            foreach (var (name, entry) in _images)
                if (string.IsNullOrEmpty(entry?.Program))
                    throw new ImageUnavailableException($"{file}: images.\"{name}\".program is missing");
            _version = version;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new ImageUnavailableException($"the image table {file} cannot be read: {e.Message}");
        }
    }

    /// <summary>registry:5000/team/name:tag@sha256:… → registry:5000/team/name.</summary>
    internal static string Untagged(string image)
    {
        var name = image.Split('@', 2)[0];
        var colon = name.LastIndexOf(':');
        return colon > name.LastIndexOf('/') ? name[..colon] : name;
    }
}
