using Framelease.Operator.Authority;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>The ledger in memory keeps the contract.</summary>
public sealed class MemoryLedgerTests : LedgerContract
{
    DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private protected override Task<(ILedger Ledger, IEpochs Epochs, IAuthorityStore Authority)> OpenAsync()
    {
        var database = new MemoryDatabase(() => _now = _now.AddMilliseconds(1));
        var way = new StraightWay();
        return Task.FromResult<(ILedger, IEpochs, IAuthorityStore)>(
            (new MemoryLedger(database, way), new MemoryEpochs(database, way), new MemoryAuthority(database, way)));
    }

    internal sealed class StraightWay : IDatabaseWay
    {
        public Task<T> AskAsync<T>(string what, Func<T> work, CancellationToken cancel)
        {
            try
            {
                return Task.FromResult(work());
            }
            catch (Exception e)
            {
                return Task.FromException<T>(e);
            }
        }
    }
}
