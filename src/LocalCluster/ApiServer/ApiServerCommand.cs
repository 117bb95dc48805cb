using System.Runtime.InteropServices;
using Framelease.LocalCluster.ApiServer.Bootstrap;
using Framelease.LocalCluster.ApiServer.Hosting;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer;

/// <summary>
/// <c>framelease-localcluster apiserver</c>: a Kubernetes API server in one small process. It knows no domain: kinds come from the
/// built-in table and from CustomResourceDefinitions. Start reading at <see cref="ApiServerHost"/>, then Handlers/Dispatcher.
/// </summary>
static class ApiServerCommand
{
    /// <summary>Exit codes: 0 stopped as asked, 1 failed, 2 usage.</summary>
    public static async Task<int> RunAsync(string[] arguments, TimeProvider time, Func<Guid> newId, Random random, ILogger log)
    {
        ApiServerHost host;
        try
        {
            host = await ApiServerHost.StartAsync(ApiServerOptions.Parse(arguments), time, newId, random, log);
        }
        catch (FormatException error)
        {
            await Console.Error.WriteLineAsync($"apiserver: {error.Message}\n{ApiServerOptions.Usage}");
            return 2;
        }
        catch (Exception error) when (error is DataDirectoryException or StoreCorruptException)
        {
            await Console.Error.WriteLineAsync($"apiserver: {error.Message}");
            return 1;
        }

        await using (host)
        {
            var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, stop));
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, stop));
            await Console.Out.WriteLineAsync($"apiserver: ready {host.Url} kubeconfig={Path.GetFullPath(Path.Combine(arguments[Array.IndexOf(arguments, "--data-dir") + 1], "kubeconfig"))}");
            Log.Ready(log, host.Url, host.ObjectCount, host.Revision, arguments[Array.IndexOf(arguments, "--data-dir") + 1]);
            if (await Task.WhenAny(stop.Task, host.Failed) == stop.Task)
                return 0;
            Log.StoreFailed(log, await host.Failed);
            return 1;
        }
    }

    static void Stop(PosixSignalContext signal, TaskCompletionSource stop)
    {
        signal.Cancel = true;
        stop.TrySetResult();
    }
}
