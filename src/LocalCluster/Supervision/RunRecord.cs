using System.Text.Json;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Supervision;

/// <summary><c>run/{name}.json</c>: which process is this child, so that a later supervisor knows without doubt what to end.</summary>
static class RunRecord
{
    internal static void Write(string runDirectory, string name, ProcessIdentity process, DateTimeOffset startedAt) =>
        AtomicFile.Write(PathOf(runDirectory, name), new FlatJson()
            .Add("pid", process.Pid)
            .Add("startTicks", process.StartTicks)
            .Add("bootId", process.BootId)
            .Add("startedAt", startedAt)
            .ToUtf8(), durable: false);

    /// <summary>Null when there is none, or none that can be read.</summary>
    internal static ProcessIdentity? Read(string runDirectory, string name)
    {
        if (AtomicFile.TryRead(PathOf(runDirectory, name)) is not { } text)
            return null;
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            return new ProcessIdentity(
                root.GetProperty("pid").GetInt32(), root.GetProperty("startTicks").GetInt64(), root.GetProperty("bootId").GetString()!);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    internal static void Delete(string runDirectory, string name) => File.Delete(PathOf(runDirectory, name));

    static string PathOf(string runDirectory, string name) => Path.Combine(runDirectory, name + ".json");
}
