using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>The verbs of stored objects and their status.</summary>
sealed class ResourceHandler(ObjectStore store, ObjectOperations operations, Pager pager, WatchHandler watches, TimeProvider time)
{
    public Task HandleAsync(HttpContext context, RequestInfo request, ResourceType type)
    {
        if (!type.Namespaced && request.Namespace.Length > 0)
            throw ApiErrors.NoSuchPath();
        var isStatus = request.Subresource == "status";
        var method = context.Request.Method;
        if (isStatus && !type.HasStatus)
            throw ApiErrors.NoSuchPath();
        if (type.Namespaced && request is { Name.Length: > 0, Namespace.Length: 0 })
            throw ApiErrors.NoSuchPath();
        var isItem = request.Name.Length > 0;
        var verb = (method, isItem) switch
        {
            ("GET" or "HEAD", true) => "get",
            ("GET" or "HEAD", false) => "list",
            ("POST", false) => "create",
            ("PUT", true) => "update",
            ("PATCH", true) => "patch",
            ("DELETE", true) when !isStatus => "delete",
            ("DELETE", false) => "deletecollection",
            _ => "",
        };
        if (verb.Length == 0 || !type.Can(verb))
            throw ApiErrors.MethodNotAllowed();
        var key = new ObjectKey(request.Namespace, request.Name);
        return verb switch
        {
            "get" => GetAsync(context, type, key),
            "list" => ListAsync(context, type, request),
            "create" => CreateAsync(context, type, request.Namespace),
            "update" => ReplaceAsync(context, type, key, isStatus),
            "patch" => PatchAsync(context, type, key, isStatus),
            "delete" => DeleteAsync(context, type, key),
            _ => DeleteCollectionAsync(context, type, request),
        };
    }

    Task GetAsync(HttpContext context, ResourceType type, ObjectKey key)
    {
        if (context.Request.Query["watch"].ToString() is "true" or "1")
            return ListAsync(context, type, new RequestInfo(type.Group, type.Version, key.Namespace, type.Plural, key.Name, ""));
        var form = Representation.From(context.Request);
        var revision = context.Request.Query["resourceVersion"].ToString();
        var state = store.State;
        if (long.TryParse(revision, out var asked) && asked > state.Revision)
            throw ApiErrors.RevisionTooLarge(asked, state.Revision);
        var item = state.Find(type.Store, key) ?? throw ApiErrors.NotFound(type, key.Name);
        return ApiResponse.WriteAsync(context, 200, form.One(item, type, time.GetUtcNow()));
    }

    async Task ListAsync(HttpContext context, ResourceType type, RequestInfo request)
    {
        var options = ListOptions.From(context.Request, type, request.Name);
        var form = Representation.From(context.Request);
        var ns = request.Namespace.Length > 0 ? request.Namespace : null;
        if (options.Watch)
        {
            await watches.HandleAsync(context, type, ns, options, form);
            return;
        }

        var page = pager.List(type, ns, options);
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-cache, private";
        form.List(context.Response.BodyWriter, type, page, time.GetUtcNow());
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    async Task CreateAsync(HttpContext context, ResourceType type, string ns)
    {
        var form = Representation.From(context.Request);
        var options = WriteOptions.From(context.Request);
        var item = await RequestBody.ReadObjectAsync(context, options.Duplicates);
        var created = await operations.CreateAsync(type, ns, item, options);
        ApiResponse.AddWarnings(context, options.Warnings);
        await ApiResponse.WriteAsync(context, 201, form.One(created, type, time.GetUtcNow()));
    }

    async Task ReplaceAsync(HttpContext context, ResourceType type, ObjectKey key, bool isStatus)
    {
        var form = Representation.From(context.Request);
        var options = WriteOptions.From(context.Request);
        var item = await RequestBody.ReadObjectAsync(context, options.Duplicates);
        var updated = await operations.UpdateAsync(type, key, _ => (JsonObject)item.DeepClone(), isStatus, options);
        ApiResponse.AddWarnings(context, options.Warnings);
        await ApiResponse.WriteAsync(context, 200, form.One(updated, type, time.GetUtcNow()));
    }

    async Task PatchAsync(HttpContext context, ResourceType type, ObjectKey key, bool isStatus)
    {
        var form = Representation.From(context.Request);
        var (patched, created) = await PatchHandler.HandleAsync(context, operations, type, key, isStatus);
        await ApiResponse.WriteAsync(context, created ? 201 : 200, form.One(patched, type, time.GetUtcNow()));
    }

    async Task DeleteAsync(HttpContext context, ResourceType type, ObjectKey key)
    {
        var form = Representation.From(context.Request);
        var (item, gone) = await operations.DeleteAsync(type, key, await DeleteOptions.ReadAsync(context));
        if (!gone || type.Strategy.ReturnsDeleted)
        {
            await ApiResponse.WriteAsync(context, 200, form.One(item, type, time.GetUtcNow()));
            return;
        }

        var details = ApiErrors.Details(type, key.Name);
        details["uid"] = item.Obj("metadata").Str("uid");
        await ApiResponse.WriteAsync(context, 200, new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Success",
            ["details"] = details,
        });
    }

    async Task DeleteCollectionAsync(HttpContext context, ResourceType type, RequestInfo request)
    {
        var form = Representation.From(context.Request);
        var list = ListOptions.From(context.Request, type, "");
        var options = await DeleteOptions.ReadAsync(context);
        var page = pager.List(type, request.Namespace.Length > 0 ? request.Namespace : null, list);
        await operations.DeleteManyAsync(type, page.Items, options);
        context.Response.ContentType = "application/json";
        form.List(context.Response.BodyWriter, type, page, time.GetUtcNow());
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
