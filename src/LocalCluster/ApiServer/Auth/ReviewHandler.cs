using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Auth;

/// <summary>Questions about tokens and permissions: objects that are answered and never stored.</summary>
sealed class ReviewHandler(Authenticator authenticator)
{
    public static readonly string[] Resources =
        ["tokenreviews", "subjectaccessreviews", "localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];

    public async Task<bool> TryHandleAsync(HttpContext context, RequestInfo request, ResourceType type, UserInfo user)
    {
        if (type.IsCustom || !Resources.Contains(type.Plural))
            return false;
        if (context.Request.Method != "POST" || request.Name.Length > 0)
            throw ApiErrors.MethodNotAllowed();
        var options = WriteOptions.From(context.Request);
        var review = await RequestBody.ReadObjectAsync(context, options.Duplicates);
        ObjectRules.Normalize(review, type, options);
        review["status"] = type.Plural switch
        {
            "tokenreviews" => ReviewToken(review.Obj("spec")),
            "selfsubjectreviews" => new JsonObject { ["userInfo"] = user.ToJson() },
            "selfsubjectrulesreviews" => Rules(user),
            "selfsubjectaccessreviews" => ReviewAccess(review.Obj("spec"), user.Name, user.Groups),
            _ => ReviewAccess(review.Obj("spec"), review.Obj("spec").Str("user") ?? "", review.Obj("spec").Arr("groups").Strings()),
        };
        ApiResponse.AddWarnings(context, options.Warnings);
        await ApiResponse.WriteAsync(context, 201, review);
        return true;
    }

    JsonObject ReviewToken(JsonObject? spec)
    {
        var audiences = spec.Arr("audiences").Strings().ToList();
        if (audiences.Count == 0)
            audiences.Add(ServiceAccountTokens.ApiAudience);
        if (authenticator.Review(spec.Str("token") ?? "", audiences) is not { } found)
            return new JsonObject { ["authenticated"] = false, ["user"] = new JsonObject(), ["error"] = "the token is not valid" };
        return new JsonObject
        {
            ["authenticated"] = true,
            ["user"] = found.User.ToJson(),
            ["audiences"] = new JsonArray([.. found.Audiences.Select(audience => JsonValue.Create(audience))]),
        };
    }

    static JsonObject ReviewAccess(JsonObject? spec, string user, IEnumerable<string> groups)
    {
        var resource = spec.Obj("resourceAttributes").Str("resource") ?? "";
        var verb = spec.Obj("resourceAttributes").Str("verb") ?? "";
        var path = spec.Obj("nonResourceAttributes").Str("path");
        var allowed = Authorizer.Allows(user, groups, verb, resource) || (path is not null && IsOpen(path));
        return allowed
            ? new JsonObject { ["allowed"] = true }
            : new JsonObject { ["allowed"] = false, ["reason"] = $"user \"{user}\" has no permission here" };
    }

    static bool IsOpen(string path) =>
        path is "/api" or "/apis" or "/version" or "/healthz" or "/livez" or "/readyz"
        || path.StartsWith("/openapi/", StringComparison.Ordinal) || path.StartsWith("/api/", StringComparison.Ordinal)
        || path.StartsWith("/apis/", StringComparison.Ordinal);

    static JsonObject Rules(UserInfo user)
    {
        static JsonArray Any() => ["*"];
        var everything = Authorizer.Allows(user.Name, user.Groups, "", "");
        return new JsonObject
        {
            ["resourceRules"] = everything ? new JsonArray(new JsonObject { ["verbs"] = Any(), ["apiGroups"] = Any(), ["resources"] = Any() }) : [],
            ["nonResourceRules"] = new JsonArray(new JsonObject
            {
                ["verbs"] = everything ? Any() : ["get"],
                ["nonResourceURLs"] = everything ? Any() : ["/api", "/api/*", "/apis", "/apis/*", "/openapi/*", "/healthz", "/livez", "/readyz", "/version"],
            }),
            ["incomplete"] = false,
        };
    }
}
