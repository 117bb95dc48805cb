using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Framelease.Conformance.Tests.Support;

/// <summary>A bare client: the suite tests the server's contract and trusts no client library for it.</summary>
public sealed class Api : IDisposable
{
    readonly HttpClient _client;

    public Api(Kubeconfig config, string? token = null)
    {
        var handler = new SocketsHttpHandler();
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(config.Authorities);
        handler.SslOptions.CertificateChainPolicy = policy;

        _client = new HttpClient(handler)
        {
            BaseAddress = config.Server,
            Timeout = TimeSpan.FromSeconds(30),
        };
        token ??= config.Token;
        if (token.Length > 0)
            _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public Task<Reply> Get(string path, string accept = "application/json") => Send(HttpMethod.Get, path, null, "", accept);

    public Task<Reply> Post(string path, string body, string accept = "application/json") => Send(HttpMethod.Post, path, body, "application/json", accept);

    public Task<Reply> Post(string path, JsonNode body) => Post(path, body.ToJsonString());

    public Task<Reply> Put(string path, string body) => Send(HttpMethod.Put, path, body, "application/json");

    public Task<Reply> Put(string path, JsonNode body) => Put(path, body.ToJsonString());

    public Task<Reply> Delete(string path, string? options = null) => Send(HttpMethod.Delete, path, options, "application/json");

    public Task<Reply> Merge(string path, string patch) => Send(HttpMethod.Patch, path, patch, "application/merge-patch+json");

    public Task<Reply> JsonPatch(string path, string patch) => Send(HttpMethod.Patch, path, patch, "application/json-patch+json");

    public Task<Reply> Strategic(string path, string patch) => Send(HttpMethod.Patch, path, patch, "application/strategic-merge-patch+json");

    public Task<Reply> Patch(string path, string patch, string type) => Send(HttpMethod.Patch, path, patch, type);

    /// <summary>Server-side apply; the body may be YAML.</summary>
    public Task<Reply> Apply(string path, string manager, string config, bool force = false, string more = "") =>
        Send(HttpMethod.Patch, $"{path}?fieldManager={manager}{(force ? "&force=true" : "")}{more}", config,
            "application/apply-patch+yaml");

    public async Task<byte[]> GetBytes(string path, string accept)
    {
        using var request = Request(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await _client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return await response.Content.ReadAsByteArrayAsync();
    }

    // HTTP/2 for all but bodies that may be refused half-way, where HTTP/1.1 is the harder case.
    static HttpRequestMessage Request(HttpMethod method, string path) => new(method, path)
    {
        Version = method == HttpMethod.Get ? HttpVersion.Version20 : HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
    };

    public async Task<Reply> Send(HttpMethod method, string path, string? body, string type, string accept = "application/json")
    {
        using var request = Request(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await _client.SendAsync(request);
        return new Reply(
            (int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers.ContentType?.ToString() ?? "");
    }

    /// <summary>An answer read as it comes.</summary>
    public async Task<StreamReader> Open(string path)
    {
        using var request = Request(HttpMethod.Get, path);
        var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    /// <summary>Opens a watch; an answer other than 200 is returned as a reply instead.</summary>
    public async Task<WatchReader> Watch(string path, string accept = "application/json")
    {
        using var request = Request(HttpMethod.Get, path + (path.Contains('?') ? "&" : "?") + "watch=true");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (response.StatusCode == HttpStatusCode.OK)
            return new WatchReader(response, await response.Content.ReadAsStreamAsync());
        var text = await response.Content.ReadAsStringAsync();
        throw new WatchRefusedException((int)response.StatusCode, text);
    }

    /// <summary>Asks again until the answer is as wanted, because controllers work on their own time.</summary>
    public async Task<Reply> Until(string path, Func<Reply, bool> wanted, string what, int seconds = 20)
    {
        var deadline = DateTimeOffset.UtcNow.AddSeconds(seconds);
        while (true)
        {
            var reply = await Get(path);
            if (wanted(reply))
                return reply;
            if (DateTimeOffset.UtcNow > deadline)
                throw new TimeoutException($"{path} did not become: {what}; last answer {reply.Code} {reply.Text}");
            await Task.Delay(25);
        }
    }

    public void Dispose() => _client.Dispose();
}

public sealed class WatchRefusedException(int code, string text) : Exception($"{code} {text}")
{
    public int Code { get; } = code;
    public JsonObject Status { get; } = JsonNode.Parse(text)!.AsObject();
}
