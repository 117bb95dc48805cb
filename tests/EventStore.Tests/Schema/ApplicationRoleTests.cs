using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Schema;

public sealed class ApplicationRoleTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    [Theory]
    [InlineData("update framelease_events.mt_events set data = '{}'")]
    [InlineData("delete from framelease_events.mt_events")]
    [InlineData("truncate framelease_events.mt_events")]
    [InlineData("delete from framelease_events.mt_streams")]
    [InlineData("update framelease_events.mt_streams set id = 'x'")]
    [InlineData("update framelease_events.mt_streams set is_archived = false")]
    [InlineData("select setval('framelease_events.mt_events_sequence', 1)")]
    [InlineData("drop table framelease_events.mt_events cascade")]
    [InlineData("alter table framelease_events.mt_events add column x int")]
    [InlineData("create table framelease.mine (x int)")]
    [InlineData("update framelease.schema_updates set digest = ''")]
    public async Task The_application_may_not(string sql)
    {
        await using var command = Store.DataSource.CreateCommand(sql);
        (await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Ct))).SqlState.ShouldBe("42501");
    }

    [Fact]
    public async Task The_application_acts_in_its_role_in_every_connection_of_the_pool()
    {
        var roles = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Store.ScalarAsync<string>("select current_user::text from pg_sleep(0.05)", Ct)));
        roles.Distinct().ShouldBe(["framelease_app"]);
    }
}
