using System.Text.Json;
using Framelease.LocalCluster.Shim.Native;

namespace Framelease.LocalCluster.Shim.Records;

/// <summary>state.json: who runs the container. <see cref="Main"/> is null between the shim's claim and the start of the program.</summary>
/// <param name="Limits">How the wanted limits are enforced, for people; <c>cpu not enforced</c> in it is worth an event. Empty = none wanted.</param>
sealed record ShimState(ProcessIdentity Shim, ProcessIdentity? Main, DateTimeOffset StartedAt, string Limits)
{
    internal byte[] ToJson() => new FlatJson()
        .Add("bootId", Shim.BootId)
        .Add("shimPid", Shim.Pid)
        .Add("shimStartTicks", Shim.StartTicks)
        .Add("mainPid", Main?.Pid)
        .Add("mainStartTicks", Main?.StartTicks)
        .Add("startedAt", StartedAt)
        .Add("limits", Limits)
        .ToUtf8();

    /// <summary>Null if the file is missing.</summary>
    internal static ShimState? Read(ContainerDirectory directory)
    {
        if (AtomicFile.TryRead(directory.State) is not { } text)
            return null;
        using var document = JsonDocument.Parse(text);
        var root = document.RootElement;
        var boot = root.GetProperty("bootId").GetString()!;
        return new ShimState(
            new ProcessIdentity(root.GetProperty("shimPid").GetInt32(), root.GetProperty("shimStartTicks").GetInt64(), boot),
            root.TryGetProperty("mainPid", out var pid)
                ? new ProcessIdentity(pid.GetInt32(), root.GetProperty("mainStartTicks").GetInt64(), boot)
                : null,
            root.GetProperty("startedAt").GetDateTimeOffset(),
            root.GetProperty("limits").GetString()!);
    }
}
