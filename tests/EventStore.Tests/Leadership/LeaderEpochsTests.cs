using System.Diagnostics;
using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Leadership;

public sealed class LeaderEpochsTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    readonly string _role = Guid.NewGuid().ToString("n");

    LeaderEpochs Epochs => Store.Epochs;

    [Fact]
    public async Task The_first_one_leads_and_a_second_one_waits()
    {
        var a = (await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct)).ShouldNotBeNull();
        a.Epoch.ShouldBe(1);
        (await Epochs.TryAcquireAsync("c", _role, "b", Long, Ct)).ShouldBeNull();
        (await Epochs.RenewAsync(a, Ct)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_restarted_leader_of_the_same_name_takes_over_at_once_and_fences_its_predecessor()
    {
        var before = (await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct))!;
        (await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct))!.Epoch.ShouldBe(2);
        (await Epochs.RenewAsync(before, Ct)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_lead_that_was_not_renewed_in_time_is_taken_over_under_a_higher_epoch_and_the_old_leader_is_told()
    {
        var a = (await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct))!;
        await ExecuteAsync($"update framelease.epochs set renewed_at = clock_timestamp() - interval '1 hour' where role = '{_role}'");
        (await Epochs.TryAcquireAsync("c", _role, "b", Long, Ct))!.Epoch.ShouldBe(2);
        (await Epochs.RenewAsync(a, Ct)).ShouldBeFalse();
        await Epochs.ReleaseAsync(a, Ct);
        (await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct)).ShouldBeNull();
    }

    [Fact]
    public async Task A_released_lead_is_taken_at_once_and_the_epoch_still_rises()
    {
        var a = (await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct))!;
        await Epochs.ReleaseAsync(a, Ct);
        (await Epochs.RenewAsync(a, Ct)).ShouldBeFalse();
        (await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct))!.Epoch.ShouldBe(2);
    }

    [Fact]
    public async Task A_session_of_an_older_epoch_is_refused_and_commits_nothing()
    {
        var a = (await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct))!;
        var stream = NewStream();
        await Store.OpenSession().RequireEpoch("c", _role, a.Epoch).Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        await Epochs.ReleaseAsync(a, Ct);
        await Epochs.TryAcquireAsync("c", _role, "b", Long, Ct);

        var refusal = await Should.ThrowAsync<EpochFencedException>(
            () => Store.OpenSession().RequireEpoch("c", _role, a.Epoch).Append(stream, 1, new ParcelSorted(2)).SaveChangesAsync(Ct));
        (refusal.Cluster, refusal.Role, refusal.Epoch, refusal.Current, refusal.IsTransient).ShouldBe(("c", _role, 1, 2, false));
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(1);
    }

    [Fact]
    public async Task An_epoch_that_was_never_given_is_refused() => (await Should.ThrowAsync<EpochFencedException>(
        () => Store.OpenSession().RequireEpoch("c", _role, 1).SaveChangesAsync(Ct))).Current.ShouldBe(0);

    [Fact]
    public async Task Of_many_candidates_at_once_one_leads()
    {
        var leads = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Epochs.TryAcquireAsync("c", _role, $"h{i}", Long, Ct)));
        leads.Count(l => l is not null).ShouldBe(1);
    }

    [Fact]
    public async Task A_leader_that_stopped_inside_a_transaction_cannot_block_its_successor()
    {
        await Epochs.TryAcquireAsync("c", _role, "a", Long, Ct);
        await using var stuck = new NpgsqlConnection(ConnectionString);
        await stuck.OpenAsync(Ct);
        await using var transaction = await stuck.BeginTransactionAsync(Ct);
        await using (var command = new NpgsqlCommand($"select framelease.require_epoch('c', '{_role}', 1)", stuck)) await command.ExecuteNonQueryAsync(Ct);

        // while the lead is valid, a candidate neither waits nor disturbs
        var clock = Stopwatch.StartNew();
        (await Epochs.TryAcquireAsync("c", _role, "b", Long, Ct)).ShouldBeNull();
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(1.5));

        // an expired one is taken over although its row is held
        (await Epochs.TryAcquireAsync("c", _role, "b", TimeSpan.FromMilliseconds(1), Ct))!.Epoch.ShouldBe(2);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(9));
        await Should.ThrowAsync<NpgsqlException>(() => transaction.CommitAsync(Ct));
    }

    [Fact]
    public async Task A_connection_that_idles_in_a_transaction_is_ended_by_the_database() =>
        (await Store.ScalarAsync<string>("show idle_in_transaction_session_timeout", Ct)).ShouldBe("5s");
}
