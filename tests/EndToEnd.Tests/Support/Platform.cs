using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Cli;
using Framelease.Cli.Commands;
using Framelease.Cli.Connecting;
using Framelease.Cli.History;
using Framelease.Cli.Processes;
using Framelease.Cli.Tasks;
using Framelease.Cli.Terminal;
using Framelease.Kubernetes.Client;
using Framelease.LocalCluster.Postgres;
using Framelease.Resources;

namespace Framelease.EndToEnd.Tests.Support;

/// <summary>A platform as users have it: <c>framelease up</c> of the built programs, in a directory of its own.</summary>
public sealed class Platform : IAsyncLifetime
{
    readonly Shell _shell = new()
    {
        Console = new CommandConsole(TextWriter.Null, TextWriter.Null, TextReader.Null, false, 160),
        Time = TimeProvider.System,
        Random = new Random(1),
        NewId = Guid.NewGuid,
        Environment = Environment.GetEnvironmentVariable,
    };

    Process? _up;
    Cluster? _cluster;
    int _names;

    /// <summary>Slots without hardware.</summary>
    public int Slots { get; init; } = 1;

    public string Home { get; } = Directory.CreateTempSubdirectory("framelease-e2e-").FullName;

    public string Data => Path.Combine(Home, "data");

    /// <summary>The allowed root of file:// inputs.</summary>
    public string InputRoot => Path.Combine(Home, "inputs");

    public string Kubeconfig { get; private set; } = "";

    public Uri OperatorUrl { get; private set; } = null!;

    internal KubernetesClient Client => _cluster!.Client;

    public async Task InitializeAsync()
    {
        File.SetUnixFileMode(Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        Directory.CreateDirectory(InputRoot);
        await UpAsync();
    }

    public async Task DisposeAsync()
    {
        await DownAsync();
        if (Environment.GetEnvironmentVariable("FRAMELEASE_E2E_KEEP") is not { Length: > 0 })
            Directory.Delete(Home, recursive: true);
    }

    /// <summary>Starts the platform on its directory, and returns when it serves.</summary>
    public async Task UpAsync()
    {
        var start = new ProcessStartInfo(Dist.Framelease,
        [
            "up", "--data-dir", Data, "--port", "0", "--metrics-port", "0", "--api-port", "0", "--input-root", InputRoot, "--output", "json", "--until-stdin-closes",
            "--gpus", Slots.ToString(CultureInfo.InvariantCulture),
        ])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        _up = Process.Start(start)!;
        var errors = _up.StandardError.ReadToEndAsync();
        var line = await _up.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"framelease up: {await errors}");
        var facts = JsonNode.Parse(line)!;
        Kubeconfig = (string)facts["kubeconfig"]!;
        OperatorUrl = new Uri((string)facts["operatorUrl"]!);
        _cluster = Cluster.Connect(Kubeconfig, "default", OperatorUrl.ToString(), _shell);
    }

    /// <summary>Ends the platform in order.</summary>
    public async Task DownAsync()
    {
        _cluster?.Dispose();
        if (_up is null)
            return;
        _up.StandardInput.Close();
        await _up.WaitForExitAsync();
        _up.Dispose();
        _up = null;
    }

    /// <summary>SIGKILL to everything that belongs to the platform but the pods: as a power cut would, for all that is kept.</summary>
    public async Task KillAllAsync()
    {
        foreach (var part in (string[])["operator", "node", "apiserver", "postgres"])
            Signals.Send(PidOf(part), Signals.Kill);
        _up!.Kill();
        await _up.WaitForExitAsync();
        _cluster?.Dispose();
        _up.Dispose();
        _up = null;
    }

    public int UpPid => _up!.Id;

    /// <summary>Process id of a part, as the platform itself records it.</summary>
    public int PidOf(string part) => part == "postgres"
        ? int.Parse(File.ReadLines(Directory.EnumerateFiles(Path.Combine(Data, "postgres"), "postmaster.pid", SearchOption.AllDirectories).Single()).First(), CultureInfo.InvariantCulture)
        : JsonDocument.Parse(File.ReadAllText(Path.Combine(Data, "run", part + ".json"))).RootElement.GetProperty("pid").GetInt32();

    /// <summary>As <see cref="PidOf"/>; null while the part is away.</summary>
    public int? TryPidOf(string part)
    {
        try
        {
            return PidOf(part);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or JsonException or FormatException)
        {
            return null;
        }
    }

    /// <summary>SIGKILL to a part; `up` starts it again.</summary>
    public void Kill(string part) => Signals.Send(PidOf(part), Signals.Kill).ShouldBeTrue($"{part} was not running");

    /// <summary>SIGSTOP to a part and all that it started: it is there, and answers nobody. SIGCONT when the result is disposed.</summary>
    public IDisposable Freeze(string part) => new Frozen(PidOf(part));

    /// <summary>The platform's database, for looking.</summary>
    public string Postgres => PrivatePostgres.FindConnectionString(Path.Combine(Data, "postgres"))!;

    public Task UploadAsync(string file, string key) => UploadCommand.PutAsync(DataDirectory.Objects(Data), file, key, _shell, CancellationToken.None);

    /// <summary>Creates a task; returns its name.</summary>
    /// <param name="spec">Fields of spec; engine, and the short clip as input, unless given.</param>
    public async Task<string> SubmitAsync(JsonObject spec)
    {
        var name = $"task-{Interlocked.Increment(ref _names)}";
        spec["engine"] ??= "ffmpeg-transcode";
        spec["input"] ??= new JsonObject { ["object"] = "inputs/short.mp4" };
        await Client.CreateAsync(ResourceRef.Of<VideoTask>(), new JsonObject
        {
            ["apiVersion"] = ApiGroup.ApiVersion,
            ["kind"] = nameof(VideoTask),
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default" },
            ["spec"] = spec,
        });
        return name;
    }

    internal async Task<TaskView> ViewAsync(string name) =>
        TaskView.Of(await Client.GetAsync(ResourceRef.Of<VideoTask>(), name, "default"));

    internal async Task<JsonObject?> ConditionAsync(string name, string type)
    {
        var task = await Client.GetAsync(ResourceRef.Of<VideoTask>(), name, "default");
        return (task["status"]?["conditions"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == type);
    }

    /// <summary>Of tasks that run now; none while the API server is away.</summary>
    internal async Task<IReadOnlyList<int>> WorkerPidsAsync()
    {
        try
        {
            var tasks = await Client.ListAsync(ResourceRef.Of<VideoTask>(), "default");
            var running = tasks.Items.Select(TaskView.Of).Where(t => t is { Finished: false, Pod: not null });
            return [.. running.Select(t => WorkerProcess.Find(t.Pod!)).OfType<int>()];
        }
        catch (KubernetesException error) when (error.IsTransient)
        {
            return [];
        }
    }

    /// <summary>False while one of them has not ended, or the API server is away.</summary>
    internal async Task<bool> AllEndedAsync(IReadOnlyList<string> names)
    {
        try
        {
            var tasks = await Client.ListAsync(ResourceRef.Of<VideoTask>(), "default");
            return tasks.Items.Select(TaskView.Of).Count(t => t.Finished) >= names.Count;
        }
        catch (KubernetesException error) when (error.IsTransient)
        {
            return false;
        }
    }

    internal async Task<bool> AllSlotsFreeAsync()
    {
        var pool = await Client.GetAsync<GpuPool>("default", null);
        return pool.Status is { } status && status.FreeSlots == Slots;
    }

    /// <summary>The task when it has ended; parts of the platform may be away meanwhile.</summary>
    internal Task<TaskView> EndedAsync(string name, int seconds = 90) => Until.NotNull(async () =>
    {
        try
        {
            return await ViewAsync(name) is { Finished: true } view ? view : null;
        }
        catch (KubernetesException error) when (error.IsTransient)
        {
            return null;
        }
    }, $"task {name} ends", seconds);

    /// <summary>Waits until the worker reported this much of the work.</summary>
    internal Task<TaskProgress> ProgressedAsync(string name, int perMille) => Until.NotNull(async () =>
    {
        var view = await ViewAsync(name);
        view.Finished.ShouldBeFalse($"{name} ended before it was half done: {view.Reason} {view.Message}");
        return await ProgressAsync(view.Uid) is { } progress && progress.PerMille >= perMille ? progress : null;
    }, $"task {name} reaches {perMille} ‰");

    internal async Task<IReadOnlyList<HistoryItem>> TaskEventsAsync(string uid) => await ItemsAsync(HistoryCommand.TaskPath(uid));

    internal async Task<IReadOnlyList<HistoryItem>> LeaseEventsAsync(string taskUid)
    {
        var leases = await Client.ListAsync(ResourceRef.Of<GpuLease>(), "default", new ListOptions { LabelSelector = $"{ApiGroup.TaskUidLabel}={taskUid}" });
        var items = new List<HistoryItem>();
        foreach (var lease in leases.Items)
            items.AddRange(await ItemsAsync(HistoryCommand.LeasePath((string)lease["metadata"]!["uid"]!)));
        return [.. items.OrderBy(item => item.Sequence)];
    }

    internal async Task<IReadOnlyList<string>> LeaseEventTypesAsync(string leaseUid) =>
        [.. (await ItemsAsync(HistoryCommand.LeasePath(leaseUid))).Select(item => item.Type)];

    async Task<IReadOnlyList<HistoryItem>> ItemsAsync(string path)
    {
        var api = await _cluster!.OperatorAsync(CancellationToken.None);
        return await Until.NotNull(async () =>
        {
            try
            {
                return await api.FindAsync(path, CancellationToken.None) is { } answer ? HistoryItem.FromAnswer(answer) : [];
            }
            catch (CliException)
            {
                return null; // the operator is being restarted
            }
        }, $"the operator answers {path}");
    }

    async Task<TaskProgress?> ProgressAsync(string uid)
    {
        try
        {
            return await TaskProgress.FindAsync(await _cluster!.OperatorAsync(CancellationToken.None), uid, 1, CancellationToken.None);
        }
        catch (CliException)
        {
            return null;
        }
    }
}
