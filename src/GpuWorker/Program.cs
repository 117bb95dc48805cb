// The program in the worker pod: the composition root, the only place that names the real clock, chance, network and signals.
using System.Net;
using System.Reflection;
using System.Runtime.InteropServices;
using Framelease.Devices;
using Framelease.GpuWorker;
using Framelease.GpuWorker.Api;
using Framelease.GpuWorker.Attempts;
using Framelease.GpuWorker.Engines;
using Framelease.GpuWorker.Inputs;
using Framelease.GpuWorker.Outputs;

var log = new WorkerLog(Console.Out);
WorkerOptions options;
try
{
    options = WorkerOptions.Read(Environment.GetEnvironmentVariable) with { BootId = BootId() };
}
catch (FormatException e)
{
    log.Line($"framelease-worker: {e.Message}");
    return ExitCode.NotStarted;
}

using var terminate = new CancellationTokenSource();
using var sigterm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Terminate);
using var sigint = PosixSignalRegistration.Create(PosixSignal.SIGINT, Terminate);

#pragma warning disable RS0030 // composition root: the real clock and real chance enter here
var time = TimeProvider.System;
var chance = new Random();
#pragma warning restore RS0030

// URLs that the operator made are fetched as they are: the operator answers for where they lead
using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(10) })
{
    BaseAddress = options.Operator,
    Timeout = Timeout.InfiniteTimeSpan,
};
var safe = new SafeFetcher(Dns.GetHostAddressesAsync, log, time, chance);
var version = typeof(Worker).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
var worker = new Worker(
    options, version, new HttpWorkerApi(client, options.TokenFile, time), new FfmpegEngine(Environment.GetEnvironmentVariable, log, time),
    new NvidiaSmi(time), new MarkedProcesses($"FRAMELEASE_POD_UID={options.PodUid}"),
    new InputFetcher(client, safe, log, time, chance), new OutputUploader(client, log, time, chance), log, time, chance);
return await worker.RunAsync(terminate.Token);

void Terminate(PosixSignalContext context)
{
    context.Cancel = true;
    terminate.Cancel();
}

static string? BootId()
{
    try
    {
        return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        return null;
    }
}
