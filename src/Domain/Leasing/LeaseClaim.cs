namespace Framelease.Domain.Leasing;

/// <summary>For whom a lease is asked, how urgent it is, and what the device must have room for.</summary>
/// <param name="Boost">As the tenant's tier allows.</param>
/// <param name="Need">Null = nothing is counted.</param>
public sealed record LeaseClaim(string Tenant, int TierPoints, int Boost, int Complexity, DeviceNeed? Need = null)
{
    /// <summary>Complexity counts up to here.</summary>
    public const int MostComplexity = 50;

    /// <summary>One point is worth one minute of waiting.</summary>
    public int Points() => TierPoints + Boost + Math.Clamp(Complexity, 0, MostComplexity);
}

/// <summary>Room on a device; 0 = not counted.</summary>
public sealed record DeviceNeed(int VramMiB, int EncodeSessions, int DecodeSessions)
{
    public static DeviceNeed None { get; } = new(0, 0, 0);

    public override string ToString() => string.Join(", ", Parts().DefaultIfEmpty("nothing that is counted"));

    IEnumerable<string> Parts()
    {
        if (VramMiB > 0)
            yield return $"{VramMiB} MiB";
        if (EncodeSessions > 0)
            yield return $"{EncodeSessions} encoder sessions";
        if (DecodeSessions > 0)
            yield return $"{DecodeSessions} decoder sessions";
    }
}
