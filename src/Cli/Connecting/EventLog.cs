using System.CommandLine;
using Framelease.EventStore;
using Framelease.LocalCluster.Postgres;
using Framelease.Operator.Ledger;

namespace Framelease.Cli.Connecting;

/// <summary>
/// The way to the event log itself, past the operator: for looking when the operator is down, and at a restored copy before anybody uses
/// it. Needs a login of the database; reads as that login.
/// </summary>
static class EventLog
{
    const string Variable = "FRAMELEASE_POSTGRES";

    public static Option<string?> Postgres { get; } = new("--postgres")
    {
        Description = $"Database with the log (Npgsql connection string). Default: ${Variable}, else that of the platform that "
            + "`framelease up` runs",
        HelpName = "CONNECTION",
        Recursive = true,
    };

    public static Option<string?> DataDir { get; } = new("--data-dir")
    {
        Description = "Data directory of the platform whose database to use. Default: $FRAMELEASE_DATA, else ~/.local/share/framelease",
        HelpName = "DIR",
        Recursive = true,
    };

    /// <exception cref="CliException">No database is named, and no platform is there.</exception>
    public static PostgresEventStore Open(ParseResult parsed, Shell shell)
    {
        try
        {
            return new(
                new EventStoreOptions
                {
                    ConnectionString = ConnectionString(parsed, shell), NewId = shell.NewId, MaxPoolSize = 4,
                    // a login that may only read is enough, and a restored copy is to be looked at before it is taken over
                    ApplicationRole = null, RequireAuthority = false, Projections = Projections.All,
                },
                EventTypes.Register(new EventRegistry(EventJson.CreateOptions(EventTypesJson.Default))), shell.Time);
        }
        catch (ArgumentException e)
        {
            throw CliException.Usage($"the connection string cannot be read: {e.Message}");
        }
    }

    static string ConnectionString(ParseResult parsed, Shell shell)
    {
        if (parsed.GetValue(Postgres) is { Length: > 0 } given)
            return given;
        var directory = parsed.GetValue(DataDir);
        if (directory is null && shell.Environment(Variable) is { Length: > 0 } known)
            return known;
        directory = Path.GetFullPath(directory ?? DataDirectory.Default(shell));
        return PrivatePostgres.FindConnectionString(Path.Combine(directory, "postgres"))
            ?? throw new CliException($"there is no database below {directory}; name one with --postgres or {Variable}, or a platform's "
            + "directory with --data-dir");
    }
}
