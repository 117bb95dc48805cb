using System.Globalization;

namespace Framelease.GpuWorker;

/// <summary>
/// What the pod's environment says: who the worker is and whom it asks. What it is to do comes by attach alone (R2).
/// </summary>
/// <param name="TokenFile">Projected service account token; read anew for every attach, because it is rotated.</param>
/// <param name="Scratch">Folder for the input and the output while they are worked on.</param>
/// <param name="AttachWithin">How long attach is tried.</param>
/// <param name="DeviceHint">A device that the environment names; told to the operator, never acted on.</param>
sealed record WorkerOptions(
    Uri Operator, string TokenFile, string PodName, string Namespace, string PodUid, string NodeName, string Scratch, TimeSpan AttachWithin, string? DeviceHint)
{
    public const int DefaultAttachSeconds = 600;

    /// <summary>Of the machine's kernel, for the proof that this worker has ended (R4 b); null where it cannot be read.</summary>
    public string? BootId { get; init; }

    /// <summary>The kubelet chose the device: tell the operator which it is.</summary>
    public bool ReportsDevices { get; init; }

    /// <summary>Devices that the container runtime was told to show; empty when it names none by UUID.</summary>
    public IReadOnlyList<string> ShownDevices { get; init; } = [];

    /// <exception cref="FormatException">Names the variable, what it holds and what it should.</exception>
    public static WorkerOptions Read(Func<string, string?> environment)
    {
        var url = Needed(environment, "FRAMELEASE_OPERATOR_URL");
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new FormatException($"FRAMELEASE_OPERATOR_URL is '{url}', which is no http:// or https:// URL");
        return new WorkerOptions(
            uri,
            Needed(environment, "FRAMELEASE_TOKEN_FILE"),
            Needed(environment, "FRAMELEASE_POD_NAME"),
            First(environment, "FRAMELEASE_POD_NAMESPACE", "FRAMELEASE_NAMESPACE"),
            Needed(environment, "FRAMELEASE_POD_UID"),
            Needed(environment, "FRAMELEASE_NODE_NAME"),
            environment("FRAMELEASE_SCRATCH") is { Length: > 0 } scratch ? scratch : Path.GetTempPath(),
            TimeSpan.FromSeconds(Seconds(environment("FRAMELEASE_ATTACH_SECONDS"))),
            environment("FRAMELEASE_DEVICE_ID") is { Length: > 0 and <= 256 } device ? device : null)
        {
            ReportsDevices = environment("FRAMELEASE_REPORT_DEVICES") is "true",
            ShownDevices = Shown(environment("NVIDIA_VISIBLE_DEVICES")),
        };
    }

    // Also all, none, void, numbers and a directory are said there: they name no device for certain.
    static IReadOnlyList<string> Shown(string? text) =>
    [
        .. (text ?? "").Split(',', StringSplitOptions.TrimEntries)
            .Where(d => d.Length <= 128)
            .Where(d => d.StartsWith("GPU-", StringComparison.Ordinal) || d.StartsWith("MIG-", StringComparison.Ordinal))
            .Take(64),
    ];

    static int Seconds(string? text) =>
        string.IsNullOrEmpty(text) ? DefaultAttachSeconds
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= 86_400 ? seconds
        : throw new FormatException($"FRAMELEASE_ATTACH_SECONDS is '{text}'; allowed are whole numbers from 1 to 86400");

    static string Needed(Func<string, string?> environment, string name) =>
        environment(name) is { Length: > 0 } value
            ? value
            : throw new FormatException($"{name} is not set. The worker is started by the operator, in a pod that sets it.");

    static string First(Func<string, string?> environment, string name, string other) =>
        environment(name) is { Length: > 0 } value ? value : Needed(environment, other);
}
