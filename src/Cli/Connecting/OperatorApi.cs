using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;

namespace Framelease.Cli.Connecting;

/// <summary>Reads the operator's REST API with the token of the kubeconfig.</summary>
sealed class OperatorApi : IDisposable
{
    readonly HttpClient _http;
    readonly KubernetesClientOptions _credentials;

    public OperatorApi(Uri address, KubernetesClientOptions credentials)
    {
        Address = address;
        _credentials = credentials;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    public Uri Address { get; }

    /// <summary>Null: not found.</summary>
    /// <exception cref="CliException">No answer, or a refusal; the operator's own words.</exception>
    public async Task<JsonObject?> FindAsync(string path, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (Token() is { } token)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        try
        {
            using var response = await _http.SendAsync(request, ct);
            var text = await response.Content.ReadAsStringAsync(ct);
            if (response.StatusCode == HttpStatusCode.NotFound)
                return null;
            if (!response.IsSuccessStatusCode)
                throw new CliException($"operator {Address}: {Problem(response, text)}");
            return JsonNode.Parse(text) as JsonObject ?? throw new CliException($"operator {Address}{path}: the answer is not a JSON object");
        }
        catch (Exception error) when (error is HttpRequestException or JsonException || (error is TaskCanceledException && !ct.IsCancellationRequested))
        {
            throw new CliException($"operator {Address}: {error.Message} (is the platform up?)", ExitCodes.Failed, error);
        }
    }

    public void Dispose() => _http.Dispose();

    static string Problem(HttpResponseMessage response, string text)
    {
        try
        {
            var problem = JsonNode.Parse(text);
            if ((string?)(problem?["detail"] ?? problem?["title"]) is { } words)
                return $"{(int)response.StatusCode} {words}";
        }
        catch (JsonException)
        {
            // not a problem document: the status line has to do
        }

        return $"{(int)response.StatusCode} {response.ReasonPhrase}";
    }

    string? Token() => _credentials.TokenFile is { } file ? File.ReadAllText(file).Trim() : _credentials.Token;
}
