using Framelease.Domain.Leasing;
using Framelease.Operator.Ledger;
using Framelease.WorkerProtocol;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>
/// What the version before an upgrade records and sends: without the fields that came later. Whoever takes over in mid-lease finds leases of
/// this shape, and is called by workers that know no more.
/// </summary>
static class OldVersion
{
    public static LedgerCommit Of(LedgerCommit commit) => commit with
    {
        Leases = [.. commit.Leases.Select(l => l with { Events = [.. l.Events.Select(Of)] })],
    };

    public static AttachRequest Of(AttachRequest request) => request with { BootId = null, Protocol = null };

    public static HolderAttachRequest Of(HolderAttachRequest request) => request with { BootId = null, Process = null, Protocol = null };

    public static BeatRequest Of(BeatRequest request) => request with { Device = null };

    public static CompleteRequest Of(CompleteRequest request) => request with { Probes = null };

    public static FailRequest Of(FailRequest request) => request with { Probes = null };

    static ILeaseEvent Of(ILeaseEvent e) => e switch
    {
        LeaseRequested r => r with { Terms = Of(r.Terms), Claim = null },
        LeaseGranted g => g with { Terms = Of(g.Terms) },
        LeaseAttached a => a with { BootId = null, Process = null },
        _ => e,
    };

    // Its way to devices and its grades it had from the beginning.
    static LeaseTerms Of(LeaseTerms terms) => terms with { Probe = null, DetectOnly = null };
}
