using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Registry;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Auth;

/// <summary>
/// Who may do what, as one small table: masters and the platform's own components everything, everybody else discovery and
/// reviews of themselves. SubjectAccessReview answers from the same table.
/// </summary>
static class Authorizer
{
    const string Node = "system:node:local";
    const string Operator = "system:serviceaccount:framelease-system:framelease-operator";

    const string NodeAgent = "system:serviceaccount:framelease-system:framelease-node";

    static readonly string[] SelfReviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];

    public static bool Allows(string user, IEnumerable<string> groups, string verb, string resource) =>
        user is Node or Operator || groups.Contains(UserInfo.Masters) || SelfReviews.Contains(resource)
        || (user is NodeAgent && (verb, resource) is ("prove", "gpuleases") or ("get" or "patch", "nodes"));

    /// <exception cref="ApiException">403 in the words that clients know from RBAC.</exception>
    public static void Demand(UserInfo user, HttpRequest request, RequestInfo target, ResourceType type)
    {
        if (Allows(user.Name, user.Groups, Verb(request, target), type.Plural))
            return;
        var resource = target.Subresource.Length > 0 ? $"{type.Plural}/{target.Subresource}" : type.Plural;
        var scope = target.Namespace.Length > 0 ? $"in the namespace \"{target.Namespace}\"" : "at the cluster scope";
        throw ApiErrors.Forbidden(type, target.Name,
            $"User \"{user.Name}\" cannot {Verb(request, target)} resource \"{resource}\" in API group \"{type.Group}\" {scope}");
    }

    static string Verb(HttpRequest request, RequestInfo target) => (request.Method, target.Name.Length > 0) switch
    {
        ("GET" or "HEAD", true) => "get",
        ("GET" or "HEAD", false) => request.Query["watch"].ToString() is "true" or "1" ? "watch" : "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        _ => "deletecollection",
    };
}
