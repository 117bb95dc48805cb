// The two ways into the database: the pool that everything uses, in the application's role, and single connections of the owner.
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Framelease.EventStore;

internal static class Connections
{
    /// <summary>
    /// A transaction that a paused client leaves open ends after 5 s; acknowledged means on disk; each statement sees what was committed
    /// before it (guards lock rows, then look). What runs here are short look-ups by key, thousands a second: compiling one (jit, on by
    /// default) costs a hundred times its work, and a plan made while a table was small must not go on reading all of it, dead versions
    /// included, in our statements or in the checks of foreign keys.
    /// </summary>
    const string Settings = "-c idle_in_transaction_session_timeout=5s -c synchronous_commit=on -c default_transaction_isolation=read\\ committed "
        + "-c lock_timeout=10s -c timezone=UTC -c jit=off -c enable_seqscan=off";

    public static NpgsqlDataSource Pool(EventStoreOptions options, ILoggerFactory? loggers)
    {
        // Before the caller's string, so that its settings win. A session smaller than the write buffer leaves in one piece: a client that is
        // paused meanwhile has sent all of it or nothing.
        var text = new NpgsqlConnectionStringBuilder(
            $"Maximum Pool Size={options.MaxPoolSize};Timeout=30;Command Timeout=30;Connection Lifetime=3600;Max Auto Prepare=100;"
            + $"Auto Prepare Min Usages=2;Write Buffer Size=32768;Application Name=framelease;{options.ConnectionString}");
        // our statements leave nothing behind in a connection
        text.NoResetOnClose = true;
        // the actual version and epoch travel in the detail
        text.IncludeErrorDetail = true;
        // which append of several was refused
        text.IncludeFailedBatchedCommand = true;
        text.Options = Join(text.Options, Settings, options.ApplicationRole is { } role ? "-c role=" + role : null);
        return Build(text, options, loggers, options.RequireAuthority);
    }

    /// <summary>For schema updates: the login's own rights, no pool, and time for index builds.</summary>
    public static NpgsqlDataSource Owner(EventStoreOptions options, ILoggerFactory? loggers)
    {
        var text = new NpgsqlConnectionStringBuilder("Application Name=framelease schema update;" + options.ConnectionString)
        {
            Pooling = false,
            CommandTimeout = 0,
            IncludeErrorDetail = true,
        };
        text.Options = Join(text.Options, "-c timezone=UTC");
        return Build(text, options, loggers);
    }

    /// <summary>
    /// For rebuilds: the owner's rights, and statements prepared once. What is not on disk when the server dies is made anew; the swap
    /// waits for the disk by itself.
    /// </summary>
    public static NpgsqlDataSource Rebuilder(EventStoreOptions options, ILoggerFactory? loggers)
    {
        var text = new NpgsqlConnectionStringBuilder(
            $"Application Name=framelease rebuild;Max Auto Prepare=100;Auto Prepare Min Usages=2;{options.ConnectionString}")
        {
            Pooling = false,
            CommandTimeout = 0,
            IncludeErrorDetail = true,
        };
        text.Options = Join(text.Options, "-c timezone=UTC -c synchronous_commit=off");
        return Build(text, options, loggers);
    }

    /// <summary>One connection outside the pool that stays open to LISTEN; keep-alives find a dead path.</summary>
    public static NpgsqlDataSource Listener(EventStoreOptions options, ILoggerFactory? loggers)
    {
        var text = new NpgsqlConnectionStringBuilder("Application Name=framelease listener;" + options.ConnectionString) { Pooling = false, KeepAlive = 30 };
        return Build(text, options, loggers);
    }

    static NpgsqlDataSource Build(
        NpgsqlConnectionStringBuilder text, EventStoreOptions options, ILoggerFactory? loggers, bool requireAuthority = false)
    {
        var builder = new NpgsqlSlimDataSourceBuilder(text.ConnectionString);
        builder.EnableArrays();
        builder.EnableTransportSecurity();
        if (loggers is not null) builder.UseLoggerFactory(loggers);
        // A restore and a fail-over end every connection, so it is enough to look when one is made. What hands out a number looks for
        // itself.
        if (requireAuthority) builder.UsePhysicalConnectionInitializer(RequireAuthority, RequireAuthorityAsync);
        options.ConfigureDataSource?.Invoke(builder);
        return builder.Build();
    }

    static void RequireAuthority(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(AuthorityIncarnations.Require, connection);
        command.ExecuteNonQuery();
    }

    static async Task RequireAuthorityAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(AuthorityIncarnations.Require, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>How many connections one process may hold at once: its pool, the listener, and a schema update or the end of a stuck
    /// leader's.</summary>
    public static int MostOf(EventStoreOptions options) =>
        new NpgsqlConnectionStringBuilder($"Maximum Pool Size={options.MaxPoolSize};{options.ConnectionString}").MaxPoolSize + 2;

    static string Join(params string?[] parts) => string.Join(' ', parts.Where(p => !string.IsNullOrWhiteSpace(p)));
}
