namespace Framelease.LocalCluster.Postgres;

/// <summary>Where a private PostgreSQL lives and which programs run it.</summary>
/// <param name="DataDirectory">
/// A directory of its own; created on first start. As root it is given to an ordinary user; where that user cannot reach it (a parent
/// closed to others, such as /root), the cluster is kept under <c>/var/lib/framelease</c> and the file <c>LOCATION</c> here says where.
/// </param>
/// <param name="BinDirectory">The directory of initdb and postgres; by default PATH, then /usr/lib/postgresql/*/bin, newest first.</param>
public sealed record PrivatePostgresOptions(string DataDirectory, string? BinDirectory = null)
{
    /// <value>The database made on first start and named by the connection string. Default framelease; lower-case letters, digits, _.</value>
    public string Database { get; init; } = "framelease";

    /// <value>Upper bound on server connections, all clients together. Default 100, at least 10.</value>
    public int MaxConnections { get; init; } = 100;

    /// <value>Shared buffers in MiB. Default 32: the embedded platform's working set is small and the page cache does the rest.</value>
    public int SharedBuffersMiB { get; init; } = 32;

    /// <value>How long the server may take to accept connections, crash recovery included, initdb not. Default 2 min.</value>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <value>How long a fast shutdown (SIGINT) may take before an immediate one (SIGQUIT). Default 10 s.</value>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(10);

    internal void Validate()
    {
        if (string.IsNullOrWhiteSpace(DataDirectory)) throw new PrivatePostgresException("DataDirectory is empty: name a directory.");
        if (MaxConnections is < 10 or > 1000)
            throw new PrivatePostgresException($"MaxConnections is {MaxConnections}; allowed is 10 to 1000.");
        if (SharedBuffersMiB is < 1 or > 65536)
            throw new PrivatePostgresException($"SharedBuffersMiB is {SharedBuffersMiB}; allowed is 1 to 65536.");
        if (Database.Length is 0 or > 63 || !Database.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_') || char.IsDigit(Database[0]))
            throw new PrivatePostgresException($"Database is '{Database}'; allowed are lower-case letters, digits and _, at most 63.");
    }
}

/// <summary>The private PostgreSQL cannot run; the message says why and how to mend it.</summary>
public sealed class PrivatePostgresException : Exception
{
    public PrivatePostgresException(string message) : base(message) { }

    public PrivatePostgresException(string message, Exception inner) : base(message, inner) { }
}
