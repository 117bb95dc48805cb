namespace Framelease.LocalCluster.Supervision;

/// <summary>What <c>framelease up</c> starts, and where.</summary>
public sealed record LocalPlatformOptions
{
    /// <summary>Everything of the platform lives below it; made when missing. One platform a directory.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>An existing database to use; null (the default) starts a private PostgreSQL in the data directory.</summary>
    public string? PostgresConnectionString { get; init; }

    /// <summary>Software slots offered where there is no GPU, 0–64. Default 1.</summary>
    public int Gpus { get; init; } = 1;

    /// <summary>Port of the API server on 127.0.0.1; null: the one of the last start if it is free, else any.</summary>
    public int? ApiServerPort { get; init; }

    /// <summary>Port of the operator's API on 127.0.0.1; null: the one of the last start, else 8788, if free, else any.</summary>
    public int? OperatorPort { get; init; }

    /// <summary>Port of the operator's metrics and health on 127.0.0.1; null: the one of the last start, else 8789, if free, else any.</summary>
    public int? MetricsPort { get; init; }

    /// <summary>Images to programs, on top of the built-in ones (see <see cref="DefaultImages"/>). Null: only those.</summary>
    public IReadOnlyDictionary<string, string>? Images { get; init; }

    /// <summary>Prefixes that hostPath volumes may use. Default none.</summary>
    public IReadOnlyList<string> AllowedHostPaths { get; init; } = [];

    /// <summary>More arguments for the operator, for example <c>--input-root DIR</c>.</summary>
    public IReadOnlyList<string> OperatorArguments { get; init; } = [];

    /// <summary>
    /// Called with the kubeconfig when the API server serves for the first time, before node and operator start: the place to apply CRDs.
    /// </summary>
    public Func<string, CancellationToken, Task>? Prepare { get; init; }

    /// <summary>Where the sibling programs are. Default: beside this one.</summary>
    public string ProgramDirectory { get; init; } = AppContext.BaseDirectory;

    /// <summary>False leaves the operator out, for work on the cluster alone. Default true.</summary>
    public bool StartOperator { get; init; } = true;

    /// <summary>Most seconds that pods get to end when the platform stops. Default 10.</summary>
    public int DrainGraceSeconds { get; init; } = 10;

    /// <summary>How long the first start of all parts may take. Default 90 s.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Image names that <c>up</c> always offers, with their programs in <see cref="ProgramDirectory"/>.</summary>
    public static IReadOnlyDictionary<string, string> DefaultImages { get; } = new Dictionary<string, string>
    {
        ["framelease-worker"] = "framelease-worker",
        ["framelease/worker"] = "framelease-worker",
        ["ghcr.io/framelease/worker"] = "framelease-worker",
    };
}
