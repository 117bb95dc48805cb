using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.OpenApi;

/// <summary>
/// Publishes the schemas of everything that is served: <c>/openapi/v2</c> as JSON and as protobuf (the only form that kubectl up
/// to 1.26 reads), <c>/openapi/v3</c> as an index and one document a version. Documents are made on demand, once a table.
/// </summary>
sealed class OpenApiHandler(ResourceRegistry registry, JsonObject metadataSchema)
{
    // Asked for with "v2@v1.0", which is not a valid media type: the answer says "v2.v1.0", as real servers do.
    const string Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    readonly Lock _lock = new();
    readonly Dictionary<string, Document> _documents = [];
    ResourceTable? _table;

    sealed record Document(byte[] Body, string Hash);

    public async Task<bool> TryHandleAsync(HttpContext context, string path)
    {
        var table = registry.Table;
        switch (path)
        {
            case "/openapi/v2":
                var isProtobuf = context.Request.Headers.Accept.ToString().Contains("proto-openapi.spec.v2", StringComparison.Ordinal);
                context.Response.Headers.Vary = "Accept";
                await SendAsync(context, V2(table, isProtobuf), isProtobuf ? Protobuf : "application/json");
                return true;
            case "/openapi/v3":
                await ApiResponse.WriteAsync(context, 200, Index(table));
                return true;
        }

        if (!path.StartsWith("/openapi/v3/", StringComparison.Ordinal))
            return false;
        var version = path["/openapi/v3/".Length..];
        if (!Versions(table).Contains(version))
            return false;
        await SendAsync(context, V3(table, version), "application/json");
        return true;
    }

    static async Task SendAsync(HttpContext context, Document document, string contentType)
    {
        var tag = $"\"{document.Hash}\"";
        context.Response.Headers.ETag = tag;
        if (context.Request.Headers.IfNoneMatch.ToString() == tag)
        {
            context.Response.StatusCode = 304;
            return;
        }

        await ApiResponse.WriteAsync(context, 200, document.Body, contentType);
    }

    JsonObject Index(ResourceTable table) => new()
    {
        ["paths"] = new JsonObject(Versions(table).Select(version => KeyValuePair.Create(version, (JsonNode?)new JsonObject
        {
            ["serverRelativeURL"] = $"/openapi/v3/{version}?hash={V3(table, version).Hash}",
        }))),
    };

    static IEnumerable<string> Versions(ResourceTable table) => table.Groups().SelectMany(group =>
        group.Versions.Select(version => group.Group.Length == 0 ? $"api/{version}" : $"apis/{group.Group}/{version}"));

    Document V3(ResourceTable table, string version) => Cached(table, version, () =>
    {
        var types = table.Types.Where(type => (type.Group.Length == 0 ? $"api/{type.Version}" : $"apis/{type.Group}/{type.Version}") == version);
        return JsonWriting.ToUtf8(DocumentV3.Make([.. types], metadataSchema));
    });

    Document V2(ResourceTable table, bool isProtobuf) => Cached(table, isProtobuf ? "v2pb" : "v2", () =>
    {
        var document = DocumentV2.Make(table.Types, metadataSchema);
        return isProtobuf ? GnosticWriter.Write(document) : JsonWriting.ToUtf8(document);
    });

    Document Cached(ResourceTable table, string name, Func<byte[]> make)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_table, table))
            {
                _documents.Clear();
                _table = table;
            }

            if (!_documents.TryGetValue(name, out var document))
            {
                var body = make();
                _documents[name] = document = new Document(body, Convert.ToHexString(SHA256.HashData(body)));
            }

            return document;
        }
    }
}
