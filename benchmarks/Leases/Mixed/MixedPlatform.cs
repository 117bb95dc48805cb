using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Framelease.Cli;
using Framelease.Cli.Connecting;
using Framelease.Cli.Demo;
using Framelease.Cli.Processes;
using Framelease.Kubernetes.Client;
using Framelease.LocalCluster.Postgres;
using Framelease.Resources;

namespace Framelease.Benchmarks.Leases.Mixed;

/// <summary>
/// <c>framelease up</c> with slots without hardware, its process node and its agent; and, when asked for, a second replica of the operator
/// beside the one that <c>up</c> keeps alive.
/// </summary>
sealed class MixedPlatform : IAsyncDisposable
{
    readonly DemoPlatform _up;
    readonly string _data;
    readonly Shell _shell;
    Process? _second;

    MixedPlatform(DemoPlatform up, string data, Shell shell)
    {
        (_up, _data, _shell) = (up, data, shell);
        Cluster = Cluster.Connect(up.Kubeconfig, "default", up.OperatorUrl, shell);
    }

    public Cluster Cluster { get; }

    public DemoPlatform Up => _up;

    /// <summary>Of every replica, ending in a slash.</summary>
    public List<Uri> Replicas { get; } = [];

    public string Postgres => PrivatePostgres.FindConnectionString(Path.Combine(_data, "postgres"))
        ?? throw new InvalidOperationException("the platform's database is not there");

    static string Programs => Path.GetDirectoryName(DemoPlatform.Program)!;

    public static async Task<MixedPlatform> StartAsync(string directory, int slots, Shell shell, CancellationToken ct)
    {
        var number = slots.ToString(CultureInfo.InvariantCulture);
        var up = await DemoPlatform.StartAsync(directory, keep: false, shell, ct, ["--gpus", number]);
        var platform = new MixedPlatform(up, Path.Combine(directory, "data"), shell);
        platform.Replicas.Add(new Uri(up.OperatorUrl.TrimEnd('/') + "/"));
        return platform;
    }

    public Task PatchPoolAsync(object spec, CancellationToken ct) =>
        Cluster.Client.PatchAsync<GpuPool>("default", null, Patch.Merge(new { spec }), ct: ct);

    public void StartSecond()
    {
        if (Replicas.Count == 1)
            Replicas.Add(new Uri($"http://127.0.0.1:{LeasePlatform.FreePort()}/"));
        var start = new ProcessStartInfo(
            Path.Combine(Programs, "framelease-operator"),
            [
                "--kubeconfig", _up.Kubeconfig, "--data-dir", _data, "--identity", "second", "--replicas", "2",
                "--listen", Replicas[1].ToString().TrimEnd('/'), "--metrics-listen", "http://127.0.0.1:0",
                "--public-url", _up.OperatorUrl,
            ])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["FRAMELEASE_POSTGRES"] = Postgres;
        _second = Process.Start(start) ?? throw new CliException("the second replica did not start");
        _second.BeginOutputReadLine();
        _second.BeginErrorReadLine();
    }

    /// <summary>SIGKILL to the replica that <c>up</c> keeps, which starts it anew.</summary>
    public void KillFirst()
    {
        using var facts = JsonDocument.Parse(File.ReadAllText(Path.Combine(_data, "run", "operator.json")));
        Signals.Send(facts.RootElement.GetProperty("pid").GetInt32(), Signals.Kill);
    }

    /// <summary>Until every replica says that it is ready.</summary>
    public async Task AllReadyAsync(CancellationToken ct)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(1) };
        while (!await AllAnswerAsync(http, ct))
            await Task.Delay(TimeSpan.FromMilliseconds(200), _shell.Time, ct);
    }

    async Task<bool> AllAnswerAsync(HttpClient http, CancellationToken ct)
    {
        try
        {
            foreach (var replica in Replicas)
                (await http.GetAsync(new Uri(replica, "readyz"), ct)).EnsureSuccessStatusCode();
            return true;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>SIGKILL to the second replica, and another one in its place.</summary>
    public async Task ReplaceSecondAsync(CancellationToken ct)
    {
        await EndSecondAsync(ct);
        StartSecond();
    }

    /// <summary>One of <c>framelease lease run</c>.</summary>
    public Process RunLease(string name, IEnumerable<string> options, IEnumerable<string> command) =>
        Process.Start(new ProcessStartInfo(
            Path.Combine(Programs, "framelease"),
            ["lease", "run", "--kubeconfig", _up.Kubeconfig, "--name", name, .. options, "--", .. command])
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        }) ?? throw new CliException("framelease lease run did not start");

    public async ValueTask DisposeAsync()
    {
        await EndSecondAsync(CancellationToken.None);
        Cluster.Dispose();
        await _up.DisposeAsync();
    }

    async Task EndSecondAsync(CancellationToken ct)
    {
        if (_second is null)
            return;
        _second.Kill();
        await _second.WaitForExitAsync(ct);
        _second.Dispose();
        _second = null;
    }
}
