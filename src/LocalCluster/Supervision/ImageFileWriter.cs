using System.Text.Json;
using Framelease.LocalCluster.Node.Images;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Supervision;

/// <summary>Writes the node's image table: what <c>up</c> offers, and what the user added to the file by hand.</summary>
static class ImageFileWriter
{
    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, ReadCommentHandling = JsonCommentHandling.Skip };

    internal static void Write(string file, LocalPlatformOptions options)
    {
        var images = new SortedDictionary<string, ImageEntry>(StringComparer.Ordinal);
        if (AtomicFile.TryRead(file) is { } text)
            foreach (var (name, entry) in Present(file, text))
                images[name] = entry;
        // A framework-dependent program needs to find the runtime, and containers start with an environment of their own.
        var environment = new Dictionary<string, string> { ["DOTNET_ROOT"] = DotnetRoot() };
        foreach (var (name, program) in LocalPlatformOptions.DefaultImages.Concat(options.Images ?? new Dictionary<string, string>()))
            images[name] = new ImageEntry(Path.GetFullPath(program, options.ProgramDirectory), Env: environment);
        AtomicFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(new ImageFile(images), Json));
    }

    static IReadOnlyDictionary<string, ImageEntry> Present(string file, byte[] text)
    {
        try
        {
            return JsonSerializer.Deserialize<ImageFile>(text, Json)?.Images ?? new Dictionary<string, ImageEntry>();
        }
        catch (JsonException e)
        {
            throw new PlatformException($"{file} is not a table of images: {e.Message} Mend or remove it.", e);
        }
    }

    static string DotnetRoot() => Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root ? root
        : Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
}
