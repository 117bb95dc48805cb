using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Operations;

public sealed class PruningTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    static readonly TimeSpan Window = TimeSpan.FromHours(24);

    [Fact]
    public async Task Old_commands_go_in_bounded_batches_and_young_ones_stay()
    {
        await ExecuteAsync("""
            insert into framelease.commands (id, result, committed_at)
            select 'old-' || n, '[]', clock_timestamp() - interval '25 hours' from generate_series(1, 2500) as n;
            insert into framelease.commands (id, result, committed_at) values ('young', '[]', clock_timestamp() - interval '23 hours');
            """);
        (await Store.PruneCommandsAsync(Window, mostBatches: 1, Ct)).ShouldBe(1000);
        (await Store.PruneCommandsAsync(Window, mostBatches: 100, Ct)).ShouldBe(1500);
        (await Store.PruneCommandsAsync(Window, mostBatches: 100, Ct)).ShouldBe(0);
        (await ScalarAsync<string>("select string_agg(id, ',') from framelease.commands")).ShouldBe("young");
    }

    [Fact]
    public void A_record_is_never_removed_while_its_command_may_be_repeated() =>
        Should.Throw<ArgumentOutOfRangeException>(
            () => Store.PruneCommandsAsync(
            Window - TimeSpan.FromSeconds(1), 1, Ct)).Message.ShouldContain("may be repeated for 1.00:00:00");
}
