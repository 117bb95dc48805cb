using System.CommandLine;
using System.Globalization;
using System.Runtime;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Terminal;
using Framelease.Cli.Up;
using Framelease.LocalCluster.Supervision;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease up</c>: the whole platform on this machine, until it is told to stop.</summary>
static class UpCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var options = new UpOptions();
        var command = new Command("up", "Start the whole platform on this machine: Kubernetes API, node, operator and PostgreSQL; Ctrl-C stops it");
        options.AddTo(command);
        command.SetAction((parsed, ct) => RunAsync(
            new LocalPlatformOptions
            {
                DataDirectory = Path.GetFullPath(parsed.GetValue(options.DataDir) ?? DataDirectory.Default(shell)),
                Gpus = parsed.GetValue(options.Gpus),
                PostgresConnectionString = parsed.GetValue(options.Postgres),
                OperatorPort = UpOptions.Chosen(parsed.GetValue(options.Port), "--port"),
                MetricsPort = UpOptions.Chosen(parsed.GetValue(options.MetricsPort), "--metrics-port"),
                ApiServerPort = UpOptions.Chosen(parsed.GetValue(options.ApiPort), "--api-port"),
                OperatorArguments =
                [
                    .. (parsed.GetValue(options.InputRoots) ?? []).SelectMany(root => new[] { "--input-root", Existing(root) }),
                    .. (parsed.GetValue(options.InputHosts) ?? []).SelectMany(host => new[] { "--input-host", host }),
                ],
            },
            globals.Json(parsed), parsed.GetValue(options.UntilStdinCloses), shell, ct));
        return command;
    }

    static async Task<int> RunAsync(LocalPlatformOptions options, bool json, bool untilStdinCloses, Shell shell, CancellationToken ct)
    {
        var console = shell.Console;
        var started = shell.Time.GetTimestamp();
        var ready = false;
        void Changed(ComponentChange change)
        {
            // Until the platform is up every step is news; afterwards only what went wrong.
            if (!ready || change.Phase is ComponentPhase.Restarting)
                console.Error.WriteLine($"{Format.Clock(change.At)} {change.Component} {change.Phase.ToString().ToLowerInvariant()}{(change.Detail is null ? "" : ": " + change.Detail)}");
        }

        options = options with { Prepare = (kubeconfig, stop) => PrepareAsync(kubeconfig, shell, stop) };
        try
        {
            await using var platform = await LocalPlatform.StartAsync(options, Changed, new SupervisorLog(console, shell.Time), shell.Time, shell.Random, ct);
            RunningPlatform.Write(options.DataDirectory);
            await PublishAsync(platform, options, shell, ct);
            ready = true;
            console.Out.WriteLine(json ? Facts(platform, options).ToJsonString() : Greeting(platform, options, shell.Time.GetElapsedTime(started)));
            await console.Out.FlushAsync(ct);
            TrimMemory();
            await UntilStoppedAsync(platform, untilStdinCloses, shell, ct);
            if (!json)
                console.Error.WriteLine("stopping …");
        }
        catch (PlatformException error)
        {
            throw new CliException(error.Message, ExitCodes.Failed, error);
        }

        return ExitCodes.Ok;
    }

    static async Task PrepareAsync(string kubeconfig, Shell shell, CancellationToken ct)
    {
        using var cluster = Cluster.Connect(kubeconfig, "default", null, shell);
        await PlatformObjects.EnsureAsync(cluster.Client, ct);
    }

    static async Task PublishAsync(LocalPlatform platform, LocalPlatformOptions options, Shell shell, CancellationToken ct)
    {
        using var cluster = Cluster.Connect(platform.Kubeconfig, "default", null, shell);
        await PlatformAddresses.PublishAsync(cluster.Client, platform.OperatorUrl, DataDirectory.Objects(options.DataDirectory), ct);
    }

    static async Task UntilStoppedAsync(LocalPlatform platform, bool untilStdinCloses, Shell shell, CancellationToken ct)
    {
        try
        {
            var ends = untilStdinCloses ? Task.WhenAny(platform.Completion, shell.Console.In.ReadToEndAsync(ct)) : platform.Completion;
            await ends.WaitAsync(Timeout.InfiniteTimeSpan, shell.Time, ct);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C or SIGTERM: that is how it ends
        }
    }

    // Starting needed far more than watching over four children does.
    static void TrimMemory()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    static JsonObject Facts(LocalPlatform platform, LocalPlatformOptions options) => new()
    {
        ["kubeconfig"] = platform.Kubeconfig,
        ["operatorUrl"] = platform.OperatorUrl,
        ["metricsUrl"] = platform.MetricsUrl + "/metrics",
        ["apiServerUrl"] = platform.ApiServerUrl,
        ["objectStore"] = DataDirectory.Objects(options.DataDirectory),
        ["dataDirectory"] = options.DataDirectory,
        ["logDirectory"] = platform.LogDirectory,
        ["pid"] = System.Environment.ProcessId,
        ["processIds"] = new JsonObject(platform.ProcessIds.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
    };

    static string Greeting(LocalPlatform platform, LocalPlatformOptions options, TimeSpan took) => string.Create(CultureInfo.InvariantCulture, $"""

        Framelease is up ({took.TotalSeconds:0.0} s).
          Kubernetes API   {platform.ApiServerUrl}
          operator         {platform.OperatorUrl}
          metrics          {platform.MetricsUrl}/metrics
          object store     {DataDirectory.Objects(options.DataDirectory)}
          logs             {platform.LogDirectory}

        In another terminal:
          export KUBECONFIG={platform.Kubeconfig}
          framelease upload my-video.mp4 inputs/clip.mp4
          kubectl apply -f samples/videotask.yaml      (or: framelease submit samples/videotask.yaml)
          framelease watch

        Ctrl-C stops the platform; what it did stays in {options.DataDirectory}.
        """);

    static string Existing(string directory) => Directory.Exists(directory)
        ? Path.GetFullPath(directory)
        : throw CliException.Usage($"--input-root {directory}: no such directory");
}
