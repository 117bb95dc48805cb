// The verbs over HTTP. Sending, retrying and decoding are in KubernetesClient.Sending.cs.
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Kubernetes.Client;

/// <summary>A client of one API server. Thread-safe; make one per process and dispose it at the end.</summary>
public sealed partial class KubernetesClient : IKubernetesClient, IDisposable
{
    readonly KubernetesClientOptions _options;
    readonly TimeProvider _time;
    readonly Jitter _jitter;
    readonly ILogger _log;
    readonly Credentials _credentials;
    readonly Connections _connections;
    readonly ConcurrentDictionary<(string ApiVersion, string Kind), ResourceRef> _known = [];

    /// <param name="time">Clock of time-outs and waits.</param>
    /// <param name="random">Jitter of waits; may be shared with other parts of this library, which take turns.</param>
    /// <exception cref="KubernetesException">InvalidConfiguration: certificates that can not be read, or are not PEM.</exception>
    public KubernetesClient(KubernetesClientOptions options, TimeProvider time, Random random, ILogger? log = null)
    {
        _options = options;
        _time = time;
        _jitter = new(random);
        _log = log ?? NullLogger.Instance;
        _credentials = new(options, time);
        _connections = new(options, time, _log);
        Json = options.JsonResolvers.Count == 0 ? KubernetesJson.Default : KubernetesJson.CreateOptions(options.JsonResolvers);
    }

    public string DefaultNamespace => _options.Namespace;

    public bool CanStreamLists => _options.StreamLists;

    public JsonSerializerOptions Json { get; }

    /// <summary>Where it talks to.</summary>
    public Uri Server => _options.Server;

    public async Task<T?> FindAsync<T>(ResourceRef resource, string name, string? ns, CancellationToken ct)
        where T : class
    {
        try
        {
            var request = new Request(HttpMethod.Get, OnePath(resource, ns, name), "get", resource);
            return await SendAsync<T>(request, ct);
        }
        catch (KubernetesException error) when (error.IsNotFound && IsAboutThisObject(error))
        {
            return null;
        }
    }

    public async Task<KubernetesList<T>> ListAsync<T>(ResourceRef resource, string? ns, ListOptions? options, CancellationToken ct)
        where T : class
    {
        options ??= new();
        var query = new Query()
            .Add("labelSelector", options.LabelSelector)
            .Add("fieldSelector", options.FieldSelector)
            .Add("limit", options.Limit)
            .Add("continue", options.Continue)
            .Add("resourceVersion", options.ResourceVersion)
            .Add("resourceVersionMatch", options.ResourceVersionMatch);
        var request = new Request(HttpMethod.Get, resource.Path(ns) + query, "list", resource);
        return await SendAsync(request, bytes => ListReader.Read(bytes, Json.Info<T>()), ct);
    }

    public Task<T> CreateAsync<T>(ResourceRef resource, T value, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        var path = resource.Path(NamespaceOf(resource, ObjectInfo.Namespace(value)));
        var request = new Request(HttpMethod.Post, path + WriteQuery(options), "create", resource)
        {
            Body = Encode(ObjectInfo.WithKind(value, resource)),
        };
        return SendAsync<T>(request, ct);
    }

    public Task<T> ReplaceAsync<T>(ResourceRef resource, T value, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        var path = OnePath(resource, ObjectInfo.Namespace(value), ObjectInfo.Name(value), subresource);
        var request = new Request(HttpMethod.Put, path + WriteQuery(options), "update", resource)
        {
            IsRepeatable = ObjectInfo.ResourceVersion(value) is not null, // of two, only the first can find this version
            Body = Encode(ObjectInfo.WithKind(value, resource)),
        };
        return SendAsync<T>(request, ct);
    }

    public Task<T> PatchAsync<T>(
        ResourceRef resource, string name, string? ns, Patch patch, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class
    {
        if (patch.Type == PatchType.Apply && options?.FieldManager is not { Length: > 0 })
            throw new ArgumentException($"{resource} {name}: apply needs a {nameof(WriteOptions.FieldManager)}", nameof(options));
        if (patch.Type != PatchType.Apply && options is { Force: true })
            throw new ArgumentException($"{resource} {name}: {nameof(WriteOptions.Force)} is for server-side apply only", nameof(options));
        var path = OnePath(resource, ns, name, subresource);
        var request = new Request(HttpMethod.Patch, path + WriteQuery(options), "patch", resource)
        {
            Body = Encoding.UTF8.GetBytes(patch.ToNode(Json).ToJsonString(Json)),
            MediaType = patch.MediaType,
            IsRepeatable = patch.Type == PatchType.Apply,
        };
        return SendAsync<T>(request, ct);
    }

    public async Task<bool> DeleteAsync(ResourceRef resource, string name, string? ns, DeleteOptions? options, CancellationToken ct)
    {
        var request = new Request(HttpMethod.Delete, OnePath(resource, ns, name), "delete", resource)
        {
            IsRepeatable = options?.Preconditions?.Uid is not null, // a later object of the same name is not meant
            Body = options is null ? null : Encode(DeleteBody.From(options)),
        };
        try
        {
            await SendAsync(request, static _ => true, ct);
            return true;
        }
        catch (KubernetesException error) when (error.IsNotFound && IsAboutThisObject(error))
        {
            return false;
        }
    }

    public Task DeleteCollectionAsync(
        ResourceRef resource, string? ns, ListOptions? selection, DeleteOptions? options, CancellationToken ct)
    {
        if (selection is { Limit: not null } or { Continue: not null })
            throw new ArgumentException($"{resource}: a deletion has no pages; leave Limit and Continue out", nameof(selection));
        var query = new Query()
            .Add("labelSelector", selection?.LabelSelector)
            .Add("fieldSelector", selection?.FieldSelector)
            .Add("resourceVersion", selection?.ResourceVersion)
            .Add("resourceVersionMatch", selection?.ResourceVersionMatch);
        var request = new Request(HttpMethod.Delete, resource.Path(NamespaceOf(resource, ns)) + query, "deletecollection", resource)
        {
            Body = options is null ? null : Encode(DeleteBody.From(options)),
        };
        return SendAsync(request, static _ => true, ct);
    }

    public Task<T> GetSubresourceAsync<T>(ResourceRef resource, string name, string? ns, string subresource, CancellationToken ct)
        where T : class =>
        SendAsync<T>(new Request(HttpMethod.Get, OnePath(resource, ns, name, subresource), "get", resource), ct);

    public Task<T> CreateSubresourceAsync<T>(
        ResourceRef resource, string name, string? ns, string subresource, T body, CancellationToken ct)
        where T : class
    {
        var request = new Request(HttpMethod.Post, OnePath(resource, ns, name, subresource), "create", resource)
        {
            Body = Encode(ObjectInfo.WithKind(body, null)),
        };
        return SendAsync<T>(request, ct);
    }

    public async Task<Stream> LogsAsync(string pod, string? ns, LogOptions? options, CancellationToken ct)
    {
        options ??= new();
        var query = new Query()
            .Add("container", options.Container)
            .Add("follow", options.Follow ? "true" : null)
            .Add("tailLines", options.TailLines)
            .Add("sinceSeconds", options.SinceSeconds)
            .Add("limitBytes", options.LimitBytes)
            .Add("previous", options.Previous ? "true" : null)
            .Add("timestamps", options.Timestamps ? "true" : null);
        var pods = ResourceRef.Of<Pod>();
        var request = new Request(HttpMethod.Get, OnePath(pods, ns, pod, "log") + query, "logs", pods) { Accept = "*/*" };
        var response = await OpenAsync(request, ct);
        return await response.Content.ReadAsStreamAsync(ct); // disposing the stream ends the response
    }

    public async Task<ResourceRef> ResolveAsync(string apiVersion, string kind, CancellationToken ct)
    {
        if (_known.TryGetValue((apiVersion, kind), out var known))
            return known;
        var resource = await Discovery.ResolveAsync(this, apiVersion, kind, ct);
        return _known.GetOrAdd((apiVersion, kind), resource);
    }

    public Task<JsonObject> GetRawAsync(string path, CancellationToken ct) =>
        SendAsync<JsonObject>(new Request(HttpMethod.Get, path.TrimStart('/'), "get", null), ct);

    public void Dispose()
    {
        _connections.Dispose();
        _credentials.Dispose();
    }

    string? NamespaceOf(ResourceRef resource, string? ns) => resource.Namespaced ? ns ?? _options.Namespace : null;

    string OnePath(ResourceRef resource, string? ns, string? name, string? subresource = null)
    {
        if (string.IsNullOrEmpty(name))
            throw new ArgumentException($"{resource}: metadata.name is needed", nameof(name));
        PathSegments.Check(resource, "name", name);
        return resource.Path(NamespaceOf(resource, ns), name, subresource);
    }

    /// <summary>A 404 for an unknown resource (its CRD is missing) is an error, not "there is none".</summary>
    static bool IsAboutThisObject(KubernetesException error) => error.Status.Details?.Name is { Length: > 0 };

    static Query WriteQuery(WriteOptions? options) => new Query()
        .Add("dryRun", options is { DryRun: true } ? "All" : null)
        .Add("fieldManager", options?.FieldManager)
        .Add("fieldValidation", options?.FieldValidation)
        .Add("force", options is { Force: true } ? "true" : null);

    byte[] Encode(object value) => JsonSerializer.SerializeToUtf8Bytes(value, Json.GetTypeInfo(value.GetType()));

    /// <summary>What is needed to send one request any number of times.</summary>
    sealed record Request(HttpMethod Method, string Path, string Verb, ResourceRef? Resource)
    {
        public byte[]? Body { get; init; }

        public string MediaType { get; init; } = "application/json";

        public string Accept { get; init; } = "application/json";

        /// <summary>Sent twice it does the same as sent once: reads, and the writes that say so.</summary>
        public bool IsRepeatable { get; init; } = Method == HttpMethod.Get;

        public override string ToString() => $"{Verb} {Path.Split('?')[0]}";

        public HttpRequestMessage Message()
        {
            var message = new HttpRequestMessage(Method, Path)
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            };
            message.Headers.Accept.ParseAdd(Accept);
            if (Body is not null)
                message.Content = new ByteArrayContent(Body) { Headers = { ContentType = new MediaTypeHeaderValue(MediaType) } };
            return message;
        }
    }
}
