using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Patching;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>
/// The scale subresource of custom kinds that declare one: a small object of its own (autoscaling/v1 Scale) whose replicas are a field
/// of the custom object, so that <c>kubectl scale</c> and autoscalers need to know nothing about the kind.
/// </summary>
sealed class ScaleHandler(ObjectStore store, ObjectOperations operations)
{
    const string ApiVersion = "autoscaling/v1";

    public async Task<bool> TryHandleAsync(HttpContext context, RequestInfo request, ResourceType type)
    {
        if (request.Subresource != "scale" || request.Name.Length == 0 || type.Scale is not { } scale)
            return false;
        var key = new ObjectKey(request.Namespace, request.Name);
        var result = context.Request.Method switch
        {
            "GET" => Show(ObjectOperations.Serve(Find(type, key), type), scale, type),
            "PUT" => await ReplaceAsync(context, type, key, scale),
            "PATCH" => await PatchAsync(context, type, key, scale),
            _ => throw ApiErrors.MethodNotAllowed(),
        };
        await ApiResponse.WriteAsync(context, 200, result);
        return true;
    }

    StoredObject Find(ResourceType type, ObjectKey key) => store.State.Find(type.Store, key) ?? throw ApiErrors.NotFound(type, key.Name);

    async Task<JsonObject> ReplaceAsync(HttpContext context, ResourceType type, ObjectKey key, ScalePaths scale)
    {
        var options = Options(context);
        var wanted = await RequestBody.ReadObjectAsync(context, options.Duplicates);
        return await WriteAsync(type, key, scale, _ => wanted, options);
    }

    async Task<JsonObject> PatchAsync(HttpContext context, ResourceType type, ObjectKey key, ScalePaths scale)
    {
        var options = Options(context);
        var body = JsonReading.Parse(await RequestBody.ReadAsync(context), options.Duplicates);
        Func<JsonObject, JsonObject> change = (RequestBody.MediaType(context), body) switch
        {
            ("application/json-patch+json", JsonArray list) => current => JsonPatch.Apply(current, list),
            ("application/merge-patch+json" or "application/strategic-merge-patch+json", JsonObject patch) =>
                current => MergePatch.Apply(current, patch),
            ("application/json-patch+json" or "application/merge-patch+json" or "application/strategic-merge-patch+json", _) =>
                throw ApiErrors.BadRequest("error decoding patch: a JSON patch is a list, a merge patch an object"),
            var (other, _) => throw ApiErrors.UnsupportedMediaType(
                $"a scale takes application/merge-patch+json or application/json-patch+json (got {other})"),
        };
        return await WriteAsync(type, key, scale, change, options);
    }

    async Task<JsonObject> WriteAsync(
        ResourceType type, ObjectKey key, ScalePaths scale, Func<JsonObject, JsonObject> change, WriteOptions options)
    {
        var updated = await operations.UpdateAsync(type, key, tree =>
        {
            var wanted = change(Show(tree, scale, type));
            if (wanted.Str("kind") is not (null or "Scale"))
                throw ApiErrors.BadRequest($"the kind in the data ({wanted.Str("kind")}) does not match the expected kind (Scale)");
            var metadata = wanted.Obj("metadata");
            if (metadata.Str("resourceVersion") is { Length: > 0 } revision)
                tree.Obj("metadata")!["resourceVersion"] = revision;
            if (metadata.Str("uid") is { Length: > 0 } uid)
                tree.Obj("metadata")!["uid"] = uid;
            var replicas = wanted.Obj("spec").Int("replicas") ?? 0;
            if (replicas < 0)
            {
                throw ApiErrors.Invalid(type, key.Name,
                    [FieldError.Invalid("spec.replicas", JsonValue.Create(replicas), "should be a non-negative integer")]);
            }

            var holder = tree;
            foreach (var name in scale.Spec[..^1])
                holder = holder.Ensure(name);
            holder[scale.Spec[^1]] = replicas;
            return tree;
        }, isStatus: false, options);
        return Show(updated, scale, type);
    }

    static WriteOptions Options(HttpContext context) => WriteOptions.From(context.Request, "scale");

    static JsonObject Show(JsonObject item, ScalePaths paths, ResourceType type)
    {
        var metadata = item.Obj("metadata");
        var shown = new JsonObject();
        foreach (var name in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
        {
            if (metadata?[name] is { } value)
                shown[name] = value.DeepClone();
        }

        var replicas = item.At(paths.Spec).AsInteger()
            ?? throw ApiErrors.InternalError($"the spec replicas field \".{string.Join('.', paths.Spec)}\" of {type.Kind} does not exist");
        var status = new JsonObject { ["replicas"] = item.At(paths.Status).AsInteger() ?? 0 };
        if (paths.Selector is { } selector && item.At(selector).AsString() is { Length: > 0 } text)
            status["selector"] = text;
        return new JsonObject
        {
            ["kind"] = "Scale",
            ["apiVersion"] = ApiVersion,
            ["metadata"] = shown,
            ["spec"] = new JsonObject { ["replicas"] = replicas },
            ["status"] = status,
        };
    }
}
