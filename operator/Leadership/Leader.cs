using Framelease.Operator.Ledger;

namespace Framelease.Operator.Leadership;

/// <summary>The epoch under which this replica's controllers write. Set when the role is taken, before the first reconcile.</summary>
sealed class Leader
{
    LeaderEpoch? _epoch;

    public LeaderEpoch Epoch => _epoch ?? throw new InvalidOperationException("controllers run only while the role is held");

    public void Take(LeaderEpoch epoch) => _epoch = epoch;
}
