using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Resources;

namespace Framelease.Cli.Manifests;

/// <summary>A VideoTask from flags.</summary>
static class TaskManifest
{
    /// <param name="id">Makes the name unique when none is given.</param>
    public static JsonObject Build(string engine, string input, IEnumerable<string> parameters, string? name, string? pool, Guid id)
    {
        var spec = new JsonObject { ["engine"] = engine, ["input"] = Input(input) };
        var values = new JsonObject();
        foreach (var parameter in parameters)
        {
            if (parameter.Split('=', 2) is not [{ Length: > 0 } key, var value])
                throw CliException.Usage($"--param {parameter}: must be NAME=VALUE");
            values[key] = long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : value;
        }

        if (values.Count > 0)
            spec["parameters"] = values;
        if (pool is not null)
            spec["pool"] = pool;
        return new JsonObject
        {
            ["apiVersion"] = ApiGroup.ApiVersion,
            ["kind"] = nameof(VideoTask),
            ["metadata"] = new JsonObject { ["name"] = name ?? NameFor(input, id) },
            ["spec"] = spec,
        };
    }

    /// <summary>A URI stays one; a file of this machine becomes file://; anything else is a key of the object store.</summary>
    static JsonObject Input(string input)
    {
        if (input.Contains("://", StringComparison.Ordinal))
            return new JsonObject { ["uri"] = input };
        return File.Exists(input) ? new JsonObject { ["uri"] = new Uri(Path.GetFullPath(input)).AbsoluteUri } : new JsonObject { ["object"] = input };
    }

    internal static string NameFor(string input, Guid id)
    {
        var stem = Path.GetFileNameWithoutExtension(input.TrimEnd('/'));
        var clean = new string([.. stem.ToLowerInvariant().Take(40).Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]).Trim('-');
        return $"{(clean.Length == 0 ? "task" : clean)}-{id.ToString("N", CultureInfo.InvariantCulture)[..5]}";
    }
}
