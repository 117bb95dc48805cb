// The authority beside the hint.
namespace Framelease.Kubernetes.Leadership;

/// <summary>
/// Says under which epoch a leader acts. A Lease object only keeps most candidates quiet: clocks stop, machines sleep, and a leader may go
/// on for a moment after it was replaced. What must not be done twice is therefore done under an epoch that the place where it is stored
/// compares, and that place, a database for example, hands the epochs out.
/// </summary>
public interface IEpochAuthority
{
    /// <summary>A new epoch for <paramref name="identity"/>, greater than all before: earlier leaders are refused from now on.</summary>
    /// <returns>Null: not now; the election goes on, and others may have more luck.</returns>
    Task<long?> TakeAsync(string identity, CancellationToken ct);
}
