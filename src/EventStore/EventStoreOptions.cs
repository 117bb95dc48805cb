using Npgsql;

namespace Framelease.EventStore;

/// <summary>How the store reaches its database and what it bounds.</summary>
public sealed record EventStoreOptions
{
    /// <summary>Npgsql's connection string. Its pool and time-out settings hold where given; the store's defaults fill in the others.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>Where event ids come from; time-ordered ones (version 7) keep Marten's shape.</summary>
    public required Func<Guid> NewId { get; init; }

    /// <value>
    /// Most connections of this process's pool. Default 20 (10 to 30 suits: the database shares its limit among all replicas). A call waits
    /// up to 30 s for one; each is replaced after an hour.
    /// </value>
    public int MaxPoolSize { get; init; } = 20;

    /// <value>Processes with such a pool on this database. Default 1. The schema update refuses to go on when all of them together could
    /// not connect.</value>
    public int Replicas { get; init; } = 1;

    /// <value>
    /// Whether the pool connects only to a server that is the log's authority (<see cref="AuthorityIncarnations"/>): a restored dump and a
    /// promoted standby are refused with <see cref="AuthorityChangedException"/> until they were taken over. Default false.
    /// </value>
    public bool RequireAuthority { get; init; }

    /// <value>
    /// The role that sessions and loads act in; it can neither change nor delete events. Default framelease_app, made by the schema update.
    /// Null: act as the login itself (a managed database whose owner may not create roles).
    /// </value>
    public string? ApplicationRole { get; init; } = "framelease_app";

    /// <value>Largest event in bytes of JSON. Default 1 MiB.</value>
    public int MaxEventBytes { get; init; } = 1024 * 1024;

    /// <value>Most events in one session. Default 10,000.</value>
    public int MaxEventsPerSession { get; init; } = 10_000;

    /// <value>How long a session with a command id seeks the outcome of a commit whose connection was lost. Default 15 s.</value>
    public TimeSpan OutcomeSearch { get; init; } = TimeSpan.FromSeconds(15);

    /// <value>
    /// How long a command may be repeated; its record is kept at least as long (<see cref="PostgresEventStore.PruneCommandsAsync"/>).
    /// Default 24 h.
    /// </value>
    public TimeSpan CommandRetryWindow { get; init; } = TimeSpan.FromHours(24);

    /// <value>
    /// Whether concurrent sessions that only append to one stream may share a transaction. Default true: more appends a second under load, and
    /// nothing lost when there is none.
    /// </value>
    public bool UseGroupCommit { get; init; } = true;

    /// <value>How often a subscription looks when no hint comes. Default 1 s.</value>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <value>Whether to NOTIFY other processes after commits, and to LISTEN while there are subscriptions. Default true; polling works without.</value>
    public bool UseNotify { get; init; } = true;

    /// <value>The views that the store keeps. Default none.</value>
    public ProjectionSet Projections { get; init; } = new();

    /// <summary>Last word on the data source, for instance to enable more types for inline views.</summary>
    public Action<NpgsqlSlimDataSourceBuilder>? ConfigureDataSource { get; init; }

    internal void Validate()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString)) throw new ArgumentException("ConnectionString is empty.");
        if (MaxPoolSize is < 1 or > 500) throw new ArgumentException($"MaxPoolSize is {MaxPoolSize}; allowed is 1 to 500.");
        if (Replicas is < 1 or > 100) throw new ArgumentException($"Replicas is {Replicas}; allowed is 1 to 100.");
        if (CommandRetryWindow < OutcomeSearch || CommandRetryWindow > TimeSpan.FromDays(365))
            throw new ArgumentException($"CommandRetryWindow is {CommandRetryWindow}; allowed is {OutcomeSearch} (OutcomeSearch) to 365 "
                + "days.");
        if (MaxEventBytes is < 1024 or > 64 * 1024 * 1024) throw new ArgumentException($"MaxEventBytes is {MaxEventBytes}; allowed is 1 KiB to 64 MiB.");
        if (MaxEventsPerSession is < 1 or > 100_000) throw new ArgumentException($"MaxEventsPerSession is {MaxEventsPerSession}; allowed is 1 to 100,000.");
        if (PollInterval <= TimeSpan.Zero) throw new ArgumentException($"PollInterval is {PollInterval}; it must be positive.");
    }
}
