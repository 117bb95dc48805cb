using System.Diagnostics;
using Framelease.EventStore.Tests.Support;
using Framelease.LocalCluster.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.EventStore.Tests.Operations;

/// <summary>A copy of the server's files that is recovered as an archive is: same system identifier, next timeline, as after a fail-over.</summary>
public sealed class RecoveredCopyTests : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;

    readonly string _directory = Directory.CreateTempSubdirectory("framelease-recovered-").FullName;

    public Task InitializeAsync()
    {
        // as root the server runs as another user, who must pass through
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);
        return Task.CompletedTask;
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return Task.CompletedTask;
    }

    static Task<PrivatePostgres> ServeAsync(string directory) =>
        PrivatePostgres.StartAsync(new(directory), NullLogger.Instance, TimeProvider.System, Ct);

    static PostgresEventStore Open(PrivatePostgres server, bool requireAuthority = false) => new(
        new() { ConnectionString = server.ConnectionString, NewId = Guid.CreateVersion7, RequireAuthority = requireAuthority },
        Parcels.Registry(), TimeProvider.System);

    static async Task CopyAsync(string from, string to)
    {
        // with owners and modes, which PostgreSQL checks
        using var copy = Process.Start(new ProcessStartInfo("cp", ["-a", from, to]))!;
        await copy.WaitForExitAsync(Ct);
        copy.ExitCode.ShouldBe(0);
    }

    static async Task RecoverAsync(string directory, string signal)
    {
        var settings = Path.Combine(directory, "data", "postgresql.auto.conf");
        await File.WriteAllTextAsync(settings, "restore_command = '/bin/false'\n", Ct);
        // a copy of a file that the server's user owns
        await CopyAsync(settings, Path.Combine(directory, "data", signal));
    }

    [Fact]
    public async Task A_standby_is_refused_at_the_start_and_by_the_pool()
    {
        var (original, copied) = (Path.Combine(_directory, "a"), Path.Combine(_directory, "b"));
        await using (var server = await ServeAsync(original))
        {
            await using var store = Open(server);
            await store.MigrateAsync(Ct);
        }

        await CopyAsync(original, copied);
        await RecoverAsync(copied, "standby.signal");
        await using var standby = await ServeAsync(copied);
        await using var open = Open(standby);
        (await Should.ThrowAsync<EventStoreSchemaException>(() => open.MigrateAsync(Ct))).Message.ShouldContain("connect to the primary");
        await using var guarded = Open(standby, requireAuthority: true);
        (await Should.ThrowAsync<EventStoreSchemaException>(() => guarded.NowAsync(Ct))).Message.ShouldContain("standby");
    }

    [Fact]
    public async Task A_copy_on_the_next_timeline_is_another_authority()
    {
        var (original, copied) = (Path.Combine(_directory, "a"), Path.Combine(_directory, "b"));
        AuthorityState before;
        await using (var server = await ServeAsync(original))
        {
            await using var store = Open(server);
            await store.MigrateAsync(Ct);
            await store.OpenSession().Append("parcel-1", 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
            before = await store.Authority.ReadAsync(Ct);
        }

        await CopyAsync(original, copied);
        await RecoverAsync(copied, "recovery.signal");
        await using var recovered = await ServeAsync(copied);
        // it accepts connections a moment before it has become a primary
        while (await PostgresServer.ScalarAsync<bool>(recovered.ConnectionString, "select pg_is_in_recovery()"))
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
        await using var copy = Open(recovered);
        var after = await copy.Authority.ReadAsync(Ct);
        after.SystemIdentifier.ShouldBe(before.SystemIdentifier);
        after.Timeline.ShouldBe(before.Timeline + 1);
        after.Holds.ShouldBeFalse();
        await using (var guarded = Open(recovered, requireAuthority: true))
            await Should.ThrowAsync<AuthorityChangedException>(() => guarded.FetchStreamAsync("parcel-1", 1, Ct));

        await copy.Authority.TakeOver(copy.OpenSession(), after, 1_000_000, after.Difference!).SaveChangesAsync(Ct);
        (await copy.Authority.ReadAsync(Ct)).Holds.ShouldBeTrue();
        await using var now = Open(recovered, requireAuthority: true);
        (await now.FetchStreamAsync("parcel-1", 1, Ct)).Version.ShouldBe(1);

        // the original goes on as it was: what tells the two apart is what each of them is
        await using var again = await ServeAsync(original);
        await using var first = Open(again, requireAuthority: true);
        await first.NowAsync(Ct);
    }
}
