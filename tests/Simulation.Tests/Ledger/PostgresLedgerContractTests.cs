using Framelease.EventStore;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Authority;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Pools;

namespace Framelease.Simulation.Tests.Ledger;

[CollectionDefinition(PostgresServer.Collection)]
public sealed class PostgresCollection : ICollectionFixture<PostgresServer>;

/// <summary>The real ledger keeps the same contract.</summary>
[Collection(PostgresServer.Collection)]
public sealed class PostgresLedgerContractTests(PostgresServer server) : LedgerContract
{
    PostgresEventStore _store = null!;

    private protected override async Task<(ILedger Ledger, IEpochs Epochs, IAuthorityStore Authority)> OpenAsync()
    {
        _store = new PostgresEventStore(
            new EventStoreOptions
            {
                ConnectionString = await server.CreateDatabaseAsync(), NewId = Guid.CreateVersion7, Projections = Projections.All,
            },
            EventTypes.Register(new EventRegistry(EventJson.CreateOptions(EventTypesJson.Default))), TimeProvider.System);
        var scripts = SchemaScripts.FromAssembly(typeof(PostgresLedger).Assembly, "Framelease.Operator.Sql");
        await _store.MigrateAsync(CancellationToken.None, scripts);
        var cluster = new ClusterIdentity("cluster");
        return (new PostgresLedger(_store, _store, cluster), new PostgresEpochs(_store.Epochs, cluster), new PostgresAuthority(_store, cluster));
    }

    public override async Task DisposeAsync() => await _store.DisposeAsync();
}
