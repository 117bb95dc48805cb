using System.Data.Common;
using System.Text.Json;
using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Framelease.Operator.Ledger.Sql;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Pools;
using Npgsql;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

namespace Framelease.Operator.Notifications;

/// <summary>
/// Alerts and the outbox in PostgreSQL. What is to be told is written with the decision to tell it, in one transaction under the leader's
/// epoch: nothing is told twice by two leaders, and nothing is forgotten by a crash.
/// </summary>
sealed class AlertBook(PostgresEventStore store, ClusterIdentity cluster, Func<Guid> newId)
{
    /// <summary>Messages that a sink took, or never took, are kept this long for whoever asks what was told.</summary>
    const int KeepDays = 30;

    const string Columns = "key, name, severity, subject, message, since, seen_at, level, told_at, handled_by, handled_at, note";

    public async Task<IReadOnlyList<Alert>> ReadAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var rows = session.Query(new NpgsqlBatchCommand($"select {Columns} from framelease.alerts order by since, key limit 1000"), Read);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return rows.Rows;
    }

    /// <summary>Takes what the monitor found, and puts what follows from it into the outbox.</summary>
    public async Task RecordAsync(IReadOnlyList<Issue> issues, NotificationOptions options, LeaderEpoch epoch, CancellationToken cancel)
    {
        var seeing = Session(epoch);
        foreach (var issue in issues)
        {
            seeing.Write(Statement.Of(
                """
                insert into framelease.alerts (key, name, severity, subject, message) values ($1, $2, $3, $4, $5)
                on conflict (key) do update set seen_at = clock_timestamp(), severity = excluded.severity, message = excluded.message
                """,
                issue.Key, issue.Name, issue.Severity.ToString(), issue.Subject, issue.Message));
        }

        var now = seeing.Query(new NpgsqlBatchCommand("select clock_timestamp()"), r => r.GetFieldValue<DateTimeOffset>(0));
        await LedgerErrors.Map(() => seeing.SaveChangesAsync(cancel));
        var plan = NotificationPlan.Decide(await ReadAsync(cancel), options, now.Rows[0]);
        if (plan.Levels.Count == 0 && plan.Resolved.Count == 0)
            return;
        var telling = Session(epoch);
        foreach (var (sink, body) in plan.Messages)
        {
            telling.Write(Statement.Of(
                "insert into framelease.notifications (id, sink, kind, body) values ($1::uuid, $2, $3, $4)",
                newId().ToString(), sink, body.Kind.ToString(), JsonSerializer.Serialize(body, NotificationJson.Default.NotificationBody)));
        }

        foreach (var (key, level) in plan.Levels)
            telling.Write(Statement.Of("update framelease.alerts set level = $2, told_at = clock_timestamp() where key = $1", key, level));
        telling.Write(Statement.Of("delete from framelease.alerts where key = any ($1)", (object)plan.Resolved.ToArray()));
        telling.Write(Statement.Of("delete from framelease.notifications where created_at < clock_timestamp() - make_interval(days => $1)",
            KeepDays));
        await LedgerErrors.Map(() => telling.SaveChangesAsync(cancel));
    }

    /// <summary>Somebody cares for it: nobody further is told.</summary>
    /// <returns>Null when there is no such alert now.</returns>
    public async Task<Alert?> HandleAsync(string key, string user, string? note, CancellationToken cancel)
    {
        var session = store.OpenSession(new SessionMetadata(Actor: user));
        var rows = session.Query(
            Statement.Of(
                $"update framelease.alerts set handled_by = $2, handled_at = clock_timestamp(), note = $3 where key = $1 returning {Columns}",
                key, user, note),
            Read);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return rows.Rows.FirstOrDefault();
    }

    /// <summary>What is due, oldest first.</summary>
    public async Task<IReadOnlyList<(Notification Notification, int Tries, double AgeSeconds)>> ReadDueAsync(int most,
        CancellationToken cancel)
    {
        var session = store.OpenSession();
        var rows = session.Query(
            Statement.Of(
                """
                select id::text, sink, kind, body, tries, extract(epoch from clock_timestamp() - created_at)::float8
                  from framelease.notifications
                 where sent_at is null and given_up_at is null and due_at <= clock_timestamp() order by due_at limit $1
                """,
                most),
            r => (
                new Notification(
                    Guid.Parse(r.GetString(0)), r.GetString(1), Enum.Parse<NotificationKind>(r.GetString(2)),
                    JsonSerializer.Deserialize(r.GetString(3), NotificationJson.Default.NotificationBody)!),
                r.GetInt32(4), r.GetDouble(5)));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return rows.Rows;
    }

    public Task SentAsync(Guid id, LeaderEpoch epoch, CancellationToken cancel) =>
        WriteAsync(Statement.Of("update framelease.notifications set sent_at = clock_timestamp(), error = null where id = $1::uuid",
            id.ToString()), epoch, cancel);

    public Task RetryAsync(Guid id, string error, double seconds, LeaderEpoch epoch, CancellationToken cancel) => WriteAsync(
        Statement.Of(
            """
            update framelease.notifications
               set tries = tries + 1, error = $2, due_at = clock_timestamp() + make_interval(secs => $3) where id = $1::uuid
            """,
            id.ToString(), error, seconds),
        epoch, cancel);

    public Task GiveUpAsync(Guid id, string error, LeaderEpoch epoch, CancellationToken cancel) => WriteAsync(
        Statement.Of(
            "update framelease.notifications set tries = tries + 1, error = $2, given_up_at = clock_timestamp() where id = $1::uuid",
            id.ToString(), error),
        epoch, cancel);

    async Task WriteAsync(NpgsqlBatchCommand command, LeaderEpoch epoch, CancellationToken cancel)
    {
        var session = Session(epoch);
        session.Write(command);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }

    IEventSession Session(LeaderEpoch epoch)
    {
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        return session;
    }

    static Alert Read(DbDataReader r) => new(
        r.GetString(0), r.GetString(1), Enum.Parse<IssueSeverity>(r.GetString(2)), r.GetString(3), r.GetString(4),
            r.GetFieldValue<DateTimeOffset>(5),
        r.GetFieldValue<DateTimeOffset>(6), r.GetInt32(7), Time(r, 8), Text(r, 9), Time(r, 10), Text(r, 11));

    static string? Text(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetString(at);

    static DateTimeOffset? Time(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetFieldValue<DateTimeOffset>(at);
}
