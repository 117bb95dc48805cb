using System.Net.Security;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Supervision;

/// <summary>Questions to a starting child. They answer false, and never throw, while it is not there yet.</summary>
static class Readiness
{
    /// <summary>GET answers 200. No secret is sent, so any certificate of the loopback server will do.</summary>
    internal static async Task<bool> HttpAsync(HttpClient http, string url, CancellationToken ct)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(url), ct);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>The file is there and contains the address.</summary>
    internal static bool FileNames(string file, string address) =>
        AtomicFile.TryRead(file) is { } text && System.Text.Encoding.UTF8.GetString(text).Contains(address, StringComparison.Ordinal);

    /// <summary>The node renewed its lease after <paramref name="since"/>.</summary>
    internal static async Task<bool> NodeAsync(IKubernetesClient client, string node, DateTimeOffset since, CancellationToken ct)
    {
        try
        {
            return await client.FindAsync<Lease>(node, "kube-node-lease", ct) is { Spec.RenewTime: { } renewed } && renewed >= since;
        }
        catch (KubernetesException)
        {
            return false;
        }
    }

    internal static HttpClient Client() => new(new SocketsHttpHandler
    {
        ConnectTimeout = TimeSpan.FromSeconds(2),
        UseProxy = false,
#pragma warning disable MA0039 // loopback readiness only, no credentials
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
#pragma warning restore MA0039
    })
    { Timeout = TimeSpan.FromSeconds(5) };
}
