using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Benchmarks.LocalCluster;

/// <summary>One run of the embedded API server as users get it, on a directory of its own, and a bare client for it.</summary>
sealed class ServerRun : IAsyncDisposable
{
    readonly Process _process;

    ServerRun(Process process, HttpClient client, TimeSpan ready)
    {
        _process = process;
        Client = client;
        Ready = ready;
    }

    public HttpClient Client { get; }

    /// <summary>From the start of the process to its word that it listens.</summary>
    public TimeSpan Ready { get; }

    public static async Task<ServerRun> StartAsync(string program, string directory, TimeProvider time, CancellationToken ct)
    {
        var began = time.GetTimestamp();
        var process = Process.Start(new ProcessStartInfo(program, ["apiserver", "--data-dir", directory])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        }) ?? throw new InvalidOperationException($"{program} could not be started");
        var line = await process.StandardOutput.ReadLineAsync(ct);
        var ready = time.GetElapsedTime(began);
        if (line is null)
            throw new InvalidOperationException($"{program} ended before it was ready: {await process.StandardError.ReadToEndAsync(ct)}");
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        return new ServerRun(process, Connect(Path.Combine(directory, "kubeconfig")), ready);
    }

    static HttpClient Connect(string kubeconfig)
    {
        var config = Yaml.ParseObject(File.ReadAllText(kubeconfig));
        var cluster = config["clusters"]![0]!["cluster"]!;
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true };
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(Encoding.ASCII.GetString(
            Convert.FromBase64String(cluster["certificate-authority-data"]!.GetValue<string>())));
        handler.SslOptions.CertificateChainPolicy = policy;
        return new HttpClient(handler)
        {
            BaseAddress = new Uri(cluster["server"]!.GetValue<string>()),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultRequestHeaders =
            {
                Authorization = new AuthenticationHeaderValue("Bearer", config["users"]![0]!["user"]!["token"]!.GetValue<string>()),
            },
        };
    }

    /// <summary>A config map of about 1 KB as it is stored, managedFields included.</summary>
    public async Task CreateAsync(string ns, string name, CancellationToken ct)
    {
        var item = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["app"] = "bench" } },
            ["data"] = new JsonObject { ["first"] = new string('x', 200), ["second"] = new string('y', 200) },
        };
        using var body = new StringContent(item.ToJsonString(), Encoding.UTF8, "application/json");
        using var reply = await Client.PostAsync($"/api/v1/namespaces/{ns}/configmaps", body, ct);
        reply.EnsureSuccessStatusCode();
    }

    /// <summary>Creates objects with a number of writers at once.</summary>
    public async Task CreateManyAsync(string ns, string prefix, int count, int writers, CancellationToken ct)
    {
        var next = -1;
        async Task WriteAsync()
        {
            for (var i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
                await CreateAsync(ns, $"{prefix}-{i:D6}", ct);
        }

        await Task.WhenAll(Enumerable.Range(0, writers).Select(_ => WriteAsync()));
    }

    public async Task NamespaceAsync(string name, CancellationToken ct)
    {
        using var body = new StringContent($$$"""{"metadata":{"name":"{{{name}}}"}}""", Encoding.UTF8, "application/json");
        using var reply = await Client.PostAsync("/api/v1/namespaces", body, ct);
        reply.EnsureSuccessStatusCode();
    }

    /// <summary>PSS, in which a page shared by n processes counts as 1/n of a page.</summary>
    public long Memory() => 1024 * long.Parse(
        File.ReadLines($"/proc/{_process.Id}/smaps_rollup").First(line => line.StartsWith("Pss:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
