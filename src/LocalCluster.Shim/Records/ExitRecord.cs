using System.Text.Json;

namespace Framelease.LocalCluster.Shim.Records;

/// <summary>exit.json: the container is over and no process of its tree is left.</summary>
/// <param name="ExitCode">0–255; 128 + signal when a signal ended the main process, 128 when it could not be started.</param>
/// <param name="Reason">Null = derive from the code; else <c>StartError</c> or <c>ContainerStatusUnknown</c>.</param>
/// <param name="Killed">How many processes outlived the main process and were killed.</param>
sealed record ExitRecord(
    int ExitCode, int? Signal, DateTimeOffset? StartedAt, DateTimeOffset FinishedAt, bool OomKilled = false,
    string? Reason = null, string? Message = null, int Killed = 0)
{
    internal byte[] ToJson() => new FlatJson()
        .Add("exitCode", ExitCode)
        .Add("signal", Signal)
        .Add("startedAt", StartedAt)
        .Add("finishedAt", FinishedAt)
        .Add("oomKilled", OomKilled)
        .Add("reason", Reason)
        .Add("message", Message)
        .Add("killed", Killed)
        .ToUtf8();

    /// <summary>Null if the container is not over.</summary>
    internal static ExitRecord? Read(ContainerDirectory directory)
    {
        if (AtomicFile.TryRead(directory.Exit) is not { } text)
            return null;
        using var document = JsonDocument.Parse(text);
        var root = document.RootElement;
        return new ExitRecord(
            root.GetProperty("exitCode").GetInt32(),
            root.TryGetProperty("signal", out var signal) ? signal.GetInt32() : null,
            root.TryGetProperty("startedAt", out var started) ? started.GetDateTimeOffset() : null,
            root.GetProperty("finishedAt").GetDateTimeOffset(),
            root.GetProperty("oomKilled").GetBoolean(),
            root.TryGetProperty("reason", out var reason) ? reason.GetString() : null,
            root.TryGetProperty("message", out var message) ? message.GetString() : null,
            root.GetProperty("killed").GetInt32());
    }
}
