using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Auth;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Subresources other than status: a pod's log, a service account's token.</summary>
sealed class SubresourceHandler(ObjectStore store, ServiceAccountTokens tokens, PodLogHandler logs)
{
    const long MinTokenSeconds = 600;
    const long DefaultTokenSeconds = 3600;
    const long MaxTokenSeconds = 48 * 3600;

    public async Task<bool> TryHandleAsync(HttpContext context, RequestInfo request, ResourceType type)
    {
        if (type.IsCustom || request.Name.Length == 0 || type.Subresources.All(sub => sub.Name != request.Subresource))
            return false;
        var item = store.State.Find(type.Store, new ObjectKey(request.Namespace, request.Name)) ?? throw ApiErrors.NotFound(type, request.Name);
        switch (type.Plural, request.Subresource, context.Request.Method)
        {
            case ("pods", "log", "GET"):
                await logs.HandleAsync(context, item);
                return true;
            case ("serviceaccounts", "token", "POST"):
                await IssueTokenAsync(context, type, item);
                return true;
            default:
                throw ApiErrors.MethodNotAllowed();
        }
    }

    async Task IssueTokenAsync(HttpContext context, ResourceType type, StoredObject account)
    {
        var request = await RequestBody.ReadObjectAsync(context, []);
        var spec = request.Ensure("spec");
        var audiences = spec.Arr("audiences").Strings().ToList();
        if (audiences.Count == 0)
            audiences.Add(ServiceAccountTokens.ApiAudience);
        var seconds = spec.Int("expirationSeconds") ?? DefaultTokenSeconds;
        if (seconds < MinTokenSeconds)
        {
            throw ApiErrors.Invalid(type, account.Key.Name,
                [FieldError.Invalid("spec.expirationSeconds", JsonValue.Create(seconds), "may not specify a duration less than 10 minutes")]);
        }

        seconds = Math.Min(seconds, MaxTokenSeconds);
        var (token, expires) = tokens.Issue(account, BoundPod(type, account, spec.Obj("boundObjectRef")), audiences, TimeSpan.FromSeconds(seconds));
        spec["audiences"] = new JsonArray([.. audiences.Select(audience => JsonValue.Create(audience))]);
        spec["expirationSeconds"] = seconds;
        await ApiResponse.WriteAsync(context, 201, new JsonObject
        {
            ["kind"] = "TokenRequest",
            ["apiVersion"] = "authentication.k8s.io/v1",
            ["metadata"] = new JsonObject { ["name"] = account.Key.Name, ["namespace"] = account.Key.Namespace },
            ["spec"] = spec.DeepClone(),
            ["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = Timestamps.Format(expires) },
        });
    }

    StoredObject? BoundPod(ResourceType type, StoredObject account, JsonObject? reference)
    {
        if (reference is null)
            return null;
        if (reference.Str("kind") != "Pod")
        {
            throw ApiErrors.BadRequest(
                $"cannot bind token to object of type {reference.Str("apiVersion")}, Kind={reference.Str("kind")}: only pods are supported");
        }

        var name = reference.Str("name") ?? "";
        var pod = store.State.Find("pods", new ObjectKey(account.Key.Namespace, name))
            ?? throw new ApiException(404, "NotFound", $"pods \"{name}\" not found", new JsonObject { ["name"] = name, ["kind"] = "pods" });
        if (reference.Str("uid") is { Length: > 0 } uid && uid != pod.Header.Uid)
        {
            throw ApiErrors.Conflict(type, account.Key.Name,
                $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated");
        }

        var podAccount = pod.Parse().Obj("spec").Str("serviceAccountName") is { Length: > 0 } named ? named : "default";
        if (podAccount != account.Key.Name)
            throw ApiErrors.BadRequest($"cannot bind token for serviceaccount \"{account.Key.Name}\" to pod running with different serviceaccount name.");
        return pod;
    }
}
