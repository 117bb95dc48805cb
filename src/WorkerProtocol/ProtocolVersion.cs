using System.Globalization;

namespace Framelease.WorkerProtocol;

/// <summary>
/// Version of <c>/worker/v1</c>, as <c>major.minor</c>. A minor version only adds: unknown fields are ignored, absent ones have defaults. An
/// operator serves its own minor version and the two before it, so that workers may be upgraded after it, at leisure; never a newer one.
/// <list type="bullet">
/// <item><c>1.0</c>: attach, beat, complete, fail. Its attach names no version.</item>
/// <item><c>1.1</c>: <c>/worker/v1/leases</c>; <see cref="DeviceTelemetry"/> in beats; the version in attach and its answer.</item>
/// <item><c>1.2</c>: <see cref="HolderIdentity"/> in the attach of a bare lease's holder; <c>/worker/v1/nodes</c>; <c>/worker/v1/leases/wait</c>;
/// <see cref="ProbeTerms"/> in the assignment, <see cref="DeviceProbes"/> in complete and fail.</item>
/// </list>
/// </summary>
public sealed record ProtocolVersion(int Major, int Minor)
{
    /// <summary>How many minor versions back an operator serves.</summary>
    public const int Kept = 2;

    /// <summary>What this build speaks.</summary>
    public static ProtocolVersion Current { get; } = new(1, 2);

    /// <summary>What a worker speaks that names none.</summary>
    public static ProtocolVersion First { get; } = new(1, 0);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}");

    /// <returns>Null when the text is no version.</returns>
    public static ProtocolVersion? Parse(string? text)
    {
        if (text is null)
            return First;
        return text.Length <= 16 && text.Split('.') is [var major, var minor] && Number(major) is { } a && Number(minor) is { } b
            ? new ProtocolVersion(a, b) : null;
    }

    /// <summary>What an operator that speaks <paramref name="mine"/> has against a worker that says <paramref name="told"/>.</summary>
    /// <returns>What is wrong and how to mend it; null when they understand each other.</returns>
    public static string? Complaint(string? told, ProtocolVersion mine)
    {
        var oldest = new ProtocolVersion(mine.Major, Math.Max(0, mine.Minor - Kept));
        if (Parse(told) is not { } version)
            return $"protocol: \"{(told!.Length > 32 ? told[..32] : told)}\" is no version; this operator speaks {oldest} to {mine}";
        if (version.Major == mine.Major && version.Minor >= oldest.Minor && version.Minor <= mine.Minor)
            return null;
        var isNewer = version.Major > mine.Major || (version.Major == mine.Major && version.Minor > mine.Minor);
        return $"protocol: the worker speaks {version}, this operator {oldest} to {mine}; "
            + (isNewer ? "upgrade the operator first, or use an older worker image" : "use a newer worker image");
    }

    static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 9999 ? number : null;
}
