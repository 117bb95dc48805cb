using Framelease.Domain.Leasing;
using Framelease.Operator.Api;
using Framelease.Operator.Notifications;

namespace Framelease.Operator.Hosting;

/// <summary>Everything that the operator is told at start. Values come from the command line and, for secrets, from the environment.</summary>
sealed record OperatorOptions
{
    /// <summary>Kubeconfig file; null = the in-cluster service account.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>Npgsql connection string; from FRAMELEASE_POSTGRES.</summary>
    public required string Postgres { get; init; }

    /// <summary>Root of the directory object store.</summary>
    public required string ObjectRoot { get; init; }

    /// <summary>Where the HTTP API listens. Default http://127.0.0.1:8788.</summary>
    public string Listen { get; init; } = "http://127.0.0.1:8788";

    /// <summary>Where metrics and health are served, without a token: a listener of its own. Default http://127.0.0.1:8789.</summary>
    public string MetricsListen { get; init; } = "http://127.0.0.1:8789";

    /// <summary>Base URL under which workers and people reach the API. Default: what it listens on.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>Directories under which file:// inputs may lie. Default none: file:// is refused.</summary>
    public IReadOnlyList<string> InputRoots { get; init; } = [];

    /// <summary>Hosts that http(s):// inputs may name although their addresses are private.</summary>
    public IReadOnlyList<string> InputHosts { get; init; } = [];

    /// <summary>Name of this replica in leader epochs; the same name takes its own epoch over at once after a restart.</summary>
    public required string Identity { get; init; }

    /// <summary>Most connections of this replica to PostgreSQL. 10 to 30; default 20.</summary>
    public int DatabaseConnections { get; init; } = 20;

    /// <summary>How many replicas share the database. The start is refused when the connections of all of them do not fit into the server. Default 1.</summary>
    public int Replicas { get; init; } = 1;

    /// <summary>Whether a database that another cluster wrote to becomes this cluster's. Default false: the start is refused.</summary>
    public bool AdoptDatabase { get; init; }

    /// <summary>
    /// Seconds beyond its timeout for which a silent holder is kept at most, while many are silent at once (<see cref="MassSilence"/>).
    /// 0 to 86400; default 1200.
    /// </summary>
    public int MassSilenceSeconds { get; init; } = MassSilence.DefaultLongestSeconds;

    /// <summary>Who is told of what is wrong. Default: nobody; the alerts are in the API all the same.</summary>
    public NotificationOptions Notifications { get; init; } = new();

    /// <summary>Bounds of /api/v1/events.</summary>
    public EventStreamOptions EventStreams { get; init; } = new();

    /// <summary>Namespace of the operator's own objects.</summary>
    public string Namespace { get; init; } = "framelease-system";

    /// <summary>ServiceAccount of worker pods, in the task's namespace.</summary>
    public string WorkerServiceAccount { get; init; } = "default";
}
