// An API server to measure against: whatever a kubeconfig names, by our client, by a bare HttpClient and by curl.
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Framelease.Cli.Processes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Benchmarks.Kubernetes;

sealed class ServerTarget(string kubeconfig, TimeProvider time, Random random)
{
    const string Group = "bench.framelease.dev";

    readonly KubernetesClientOptions _options = KubeConfig.Load(kubeconfig) with { JsonResolvers = [ItemJson.Default] };

    public KubernetesClient Connect(bool stream = false) => new(_options with { StreamLists = stream }, time, random);

    public string Path(string ns) => $"apis/{Group}/v1/namespaces/{ns}/items";

    /// <summary>A new namespace with objects in it; the first call also brings the kind.</summary>
    public async Task<string> FillAsync(string ns, int count, int writers, CancellationToken ct)
    {
        using var client = Connect();
        await client.ServerSideApplyAsync(CrdGenerator.Generate(typeof(Item)), "bench", force: true, ct: ct);
        await EstablishedAsync(client, ct);
        await client.CreateAsync(new Namespace { Metadata = new() { Name = ns } }, ct);
        var spec = new ItemSpec { Payload = new string('x', 400) };
        await ManyAsync(count, writers, async (i, stop) => await client.CreateAsync(new Item { Metadata = new() { Name = Name(i), Namespace = ns }, Spec = spec }, stop), ct);
        return ns;
    }

    /// <summary>Removes the kind, its objects with it, and the namespaces whose names begin so.</summary>
    public async Task CleanUpAsync(string prefix, CancellationToken ct)
    {
        using var client = Connect();
        var kinds = await client.ResolveAsync("apiextensions.k8s.io/v1", "CustomResourceDefinition", ct);
        await client.DeleteAsync(kinds, $"items.{Group}", null, null, ct);
        foreach (var ns in (await client.ListAsync<Namespace>(ct: ct)).Items.Where(n => n.Metadata.Name!.StartsWith(prefix, StringComparison.Ordinal)))
            await client.DeleteAsync<Namespace>(ns.Metadata.Name!, ct: ct);
    }

    public static string Name(int number) => FormattableString.Invariant($"item-{number:D6}");

    /// <summary>Does something for each number below <paramref name="count"/>, so many at once.</summary>
    public static Task ManyAsync(int count, int workers, Func<int, CancellationToken, Task> work, CancellationToken ct)
    {
        var next = -1;
        async Task WorkAsync()
        {
            for (var i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
                await work(i, ct);
        }

        return Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync()));
    }

    /// <summary>Not our client: what anybody gets who sends the same bytes.</summary>
    public HttpClient Bare()
    {
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true };
        if (Authorities() is { } authorities)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPem(Encoding.ASCII.GetString(authorities));
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        var http = new HttpClient(handler) { BaseAddress = _options.Server, DefaultRequestVersion = HttpVersion.Version20 };
        if (_options.Token is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _options.Token);
        return http;
    }

    /// <summary>Seconds and bytes of one GET by curl; null where there is no curl.</summary>
    public async Task<(double Seconds, long Bytes)?> CurlAsync(string path, string directory, CancellationToken ct)
    {
        if (Tool.Find("curl", Environment.GetEnvironmentVariable) is not { } curl)
            return null;
        // In a file, since arguments can be read by everybody on the machine.
        var config = System.IO.Path.Combine(directory, "curl.config");
        var authority = System.IO.Path.Combine(directory, "ca.pem");
        await File.WriteAllBytesAsync(authority, Authorities() ?? [], ct);
        await File.WriteAllTextAsync(
            config,
            $$"""
            url = "{{new Uri(_options.Server, path)}}"
            header = "Authorization: Bearer {{_options.Token}}"
            cacert = "{{authority}}"
            http2
            silent
            fail
            output = "/dev/null"
            write-out = "%{time_total} %{size_download}"
            """,
            ct);
        var ran = await Tool.RunAsync(curl, ["--config", config], ct);
        return ran.ExitCode == 0 && ran.Output.Split(' ') is [var seconds, var bytes]
            ? (double.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture), long.Parse(bytes, System.Globalization.CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"curl ended with {ran.ExitCode}: {ran.Error}");
    }

    byte[]? Authorities() =>
        _options.CertificateAuthorityData ?? (_options.CertificateAuthorityFile is { } file ? File.ReadAllBytes(file) : null);

    async Task EstablishedAsync(KubernetesClient client, CancellationToken ct)
    {
        // A kind is served a moment after its definition is accepted.
        for (var tries = 0; ; tries++)
        {
            try
            {
                await client.GetRawAsync($"apis/{Group}/v1/items?limit=1", ct);
                return;
            }
            catch (KubernetesException error) when (error.IsNotFound && tries < 100)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, ct);
            }
        }
    }
}
