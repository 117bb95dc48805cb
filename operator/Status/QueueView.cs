using Framelease.Domain.Leasing;
using Framelease.Operator.Ledger;
using Framelease.Resources;

namespace Framelease.Operator.Status;

/// <summary>Why a lease is where it is in the queue: every term of its points, and its place while it is among the first.</summary>
static class QueueView
{
    public static QueueStatus? Of(LeaseState state, WaitRow? place) => state.Request?.Claim is not { } claim ? null : new QueueStatus
    {
        Tenant = claim.Tenant,
        EnqueueTime = state.RequestedAt,
        Points = claim.Points(),
        TierPoints = claim.TierPoints,
        Boost = claim.Boost,
        Complexity = claim.Complexity,
        Position = place?.Position,
        Length = place?.Length,
    };
}
