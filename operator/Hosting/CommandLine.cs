using System.CommandLine;
using Framelease.Domain.Leasing;
using Framelease.Operator.Notifications;
using Npgsql;

namespace Framelease.Operator.Hosting;

/// <summary>The operator's options. Secrets come from the environment, never from the command line, where every user of the machine could read them.</summary>
static class CommandLine
{
    public static RootCommand Build(Func<OperatorOptions, CancellationToken, Task<int>> run)
    {
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Kubeconfig file. Default: the in-cluster service account." };
        var dataDir = new Option<string>("--data-dir") { Description = "Directory of the object store (objects-store/) when no S3 bucket is configured.", Required = true };
        var listen = new Option<string>("--listen") { Description = "URL that the HTTP API listens on.", DefaultValueFactory = _ => "http://127.0.0.1:8788" };
        var metricsListen = new Option<string>("--metrics-listen")
        {
            Description = "URL that /metrics, /healthz and /readyz listen on, without a token.", DefaultValueFactory = _ => "http://127.0.0.1:8789",
        };
        var publicUrl = new Option<string?>("--public-url") { Description = "URL under which workers and people reach the API. Default: --listen." };
        var inputRoots = new Option<string[]>("--input-root") { Description = "Directory under which file:// inputs may lie. May be given several times. Default: none, file:// is refused." };
        var inputHosts = new Option<string[]>("--input-host") { Description = "Host that http(s):// inputs may name although its address is private. May be given several times." };
        var identity = new Option<string?>("--identity") { Description = "Name of this replica in leader epochs. Default: the host name." };
        var connections = Whole("--database-connections", "Most connections to PostgreSQL, 10 to 30.", 20, 10, 30);
        var replicas = Whole("--replicas", "How many replicas of the operator share the database, 1 to 100: their connections must fit into it together.", 1, 1, 100);
        var adopt = new Option<bool>("--adopt-database") { Description = "Take over a database that belongs to another cluster, which is gone with all its workers. Default: refuse to start on it." };
        var massSilence = Whole(
            "--mass-silence-seconds",
            "When most holders of a pool fall silent at once, the path to them is more likely gone than they are: seconds beyond its timeout for which each is kept at most, 0 to 86400.",
            MassSilence.DefaultLongestSeconds, 0, 86_400);
        var notifications = new Option<string?>("--notifications")
        {
            Description = "JSON file that says who is told of alerts: webhooks, mail, short messages. Default: nobody.",
        };
        var root = new RootCommand("Framelease operator: reconciles VideoTasks and GpuLeases, serves the worker and history APIs. FRAMELEASE_POSTGRES holds the Npgsql connection string.")
        {
            kubeconfig, dataDir, listen, metricsListen, publicUrl, inputRoots, inputHosts, identity, connections, replicas, adopt,
            massSilence, notifications,
        };
        root.SetAction((parsed, cancel) =>
        {
            if (Environment.GetEnvironmentVariable("FRAMELEASE_POSTGRES") is not { Length: > 0 } postgres)
            {
                Console.Error.WriteLine("framelease-operator: FRAMELEASE_POSTGRES is not set; it holds the Npgsql connection string, for example Host=db;Username=framelease;Database=framelease");
                return Task.FromResult(2);
            }

            if (ConnectionProblem(postgres) is { } problem)
            {
                Console.Error.WriteLine($"framelease-operator: FRAMELEASE_POSTGRES is no Npgsql connection string: {problem}");
                return Task.FromResult(2);
            }

            NotificationOptions told;
            try
            {
                told = parsed.GetValue(notifications) is { } file ? NotificationOptions.Load(file) : new NotificationOptions();
            }
            catch (NotificationOptionsException e)
            {
                Console.Error.WriteLine($"framelease-operator: --notifications {e.Message}");
                return Task.FromResult(2);
            }

            return run(
                new OperatorOptions
                {
                    Kubeconfig = parsed.GetValue(kubeconfig),
                    Notifications = told,
                    Postgres = postgres,
                    ObjectRoot = Path.Combine(Path.GetFullPath(parsed.GetValue(dataDir)!), "objects-store"),
                    Listen = parsed.GetValue(listen)!,
                    MetricsListen = parsed.GetValue(metricsListen)!,
                    PublicUrl = parsed.GetValue(publicUrl),
                    InputRoots = parsed.GetValue(inputRoots) ?? [],
                    InputHosts = parsed.GetValue(inputHosts) ?? [],
                    DatabaseConnections = parsed.GetValue(connections),
                    Replicas = parsed.GetValue(replicas),
                    AdoptDatabase = parsed.GetValue(adopt),
                    MassSilenceSeconds = parsed.GetValue(massSilence),
                    Identity = parsed.GetValue(identity) ?? Environment.MachineName,
                },
                cancel);
        });
        return root;
    }

    /// <returns>Null when there is none. The value itself is not repeated: it may hold a password.</returns>
    internal static string? ConnectionProblem(string connection)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(connection).Host is { Length: > 0 } ? null : "it names no Host";
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            return e.Message;
        }
    }

    static Option<int> Whole(string name, string description, int value, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() is var given && (given < least || given > most))
                r.AddError($"{name} is {given}; allowed is {least} to {most}");
        });
        return option;
    }
}
