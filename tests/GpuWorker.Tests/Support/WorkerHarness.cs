using System.Net;
using Framelease.Devices;
using Framelease.GpuWorker.Api;
using Framelease.GpuWorker.Attempts;
using Framelease.GpuWorker.Engines;
using Framelease.GpuWorker.Inputs;
using Framelease.GpuWorker.Outputs;

namespace Framelease.GpuWorker.Tests.Support;

/// <summary>The shipped classes, composed as in Program, in this process, against a scripted operator and the real ffmpeg.</summary>
sealed class WorkerHarness : IAsyncDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("framelease-worker-").FullName;
    readonly StringWriter _log = new();
    readonly CancellationTokenSource _terminate = new();

    WorkerHarness(ScriptedOperator scripted)
    {
        Operator = scripted;
        Scratch = Path.Combine(_folder, "scratch");
        Directory.CreateDirectory(Scratch);
        File.WriteAllText(TokenFile, "pod-token\n");
    }

    public ScriptedOperator Operator { get; }

    public string Scratch { get; set; }

    public string TokenFile => Path.Combine(_folder, "token");

    /// <summary>Of the options that a device plugin's pool sets.</summary>
    public Func<WorkerOptions, WorkerOptions> Options { get; set; } = o => o;

    public TimeSpan AttachWithin { get; set; } = TimeSpan.FromSeconds(20);

    public IDeviceReader Devices { get; set; } = new NvidiaSmi(TimeProvider.System, "/no/such/nvidia-smi");

    public Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; set; } = Dns.GetHostAddressesAsync;

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public static async Task<WorkerHarness> StartAsync() => new(await ScriptedOperator.StartAsync());

    public void Terminate() => _terminate.Cancel();

    public async Task<int> RunAsync(double withinSeconds = 60)
    {
        var time = TimeProvider.System;
        var chance = new Random(1);
        var log = new WorkerLog(TextWriter.Synchronized(_log));
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Operator.Url, Timeout = Timeout.InfiniteTimeSpan };
        var options = Options(new WorkerOptions(
            Operator.Url, TokenFile, "vt-demo-0-1", "demo", "pod-uid-1", "node-1", Scratch, AttachWithin, null));
        var worker = new Worker(
            options, "1.2.3", new HttpWorkerApi(client, TokenFile, time), new FfmpegEngine(Environment.GetEnvironmentVariable, log, time),
            Devices, new MarkedProcesses("FRAMELEASE_POD_UID=pod-uid-1"),
            new InputFetcher(client, new SafeFetcher(Resolve, log, time, chance), log, time, chance), new OutputUploader(client, log, time, chance), log, time, chance);
        return await worker.RunAsync(_terminate.Token).WaitAsync(TimeSpan.FromSeconds(withinSeconds));
    }

    public async ValueTask DisposeAsync()
    {
        await Operator.DisposeAsync();
        _terminate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
