using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Api;
using Framelease.Resources;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// Who may speak for a node: its agent, whose token is bound to a pod on that very node and whose user has a right of its own (verb
/// <c>prove</c> on <c>gpuleases</c>), or the node itself under the name that Kubernetes gives to kubelets, with the same right. An agent of
/// another node sees nothing of this one's processes: it is refused.
/// </summary>
sealed class NodeAuthorizer(IKubernetesClient kubernetes, TimeProvider time)
{
    /// <summary>For writes: so long may a right that was taken away still count.</summary>
    public static readonly TimeSpan Strict = TimeSpan.FromSeconds(10);

    /// <summary>For reads, which five hundred waiting agents repeat all day.</summary>
    public static readonly TimeSpan Lax = TimeSpan.FromMinutes(5);

    const int MaxEntries = 10_000;
    const string AccountPrefix = "system:serviceaccount:", NodePrefix = "system:node:", NodesGroup = "system:nodes";

    readonly ConcurrentDictionary<string, (string Agent, long At)> _allowed = new(StringComparer.Ordinal);

    /// <param name="freshness">How old an answer of the API server may be.</param>
    /// <returns>Who it is, for the history.</returns>
    /// <exception cref="HttpProblem">401 or 403.</exception>
    public async Task<string> RequireAsync(HttpContext context, string node, TimeSpan freshness, CancellationToken cancel)
    {
        var token = JsonRoute.Bearer(context) ?? throw new HttpProblem(
            401, "Unauthorized", $"a bearer token is needed: the agent's projected one (audience {ApiGroup.NodeAudience})");
        var key = $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))} {node}";
        if (_allowed.TryGetValue(key, out var known) && time.GetElapsedTime(known.At) <= freshness)
            return known.Agent;
        var user = await AuthenticateAsync(token, cancel);
        await RequireRightAsync(user, cancel);
        var agent = await AgentOfAsync(user, node, cancel);
        if (_allowed.Count > MaxEntries)
            _allowed.Clear();
        _allowed[key] = (agent, time.GetTimestamp());
        return agent;
    }

    // A token for our audience is worth nothing to anybody else; one of the cluster itself is taken, too, for agents that have no other.
    async Task<UserInfo> AuthenticateAsync(string token, CancellationToken cancel)
    {
        var review = await kubernetes.ReviewTokenAsync(token, [ApiGroup.NodeAudience], cancel);
        if (!review.Authenticated)
            review = await kubernetes.ReviewTokenAsync(token, null, cancel);
        return review is { Authenticated: true, User: { Username: not null } user }
            ? user : throw new HttpProblem(401, "Unauthorized", "the cluster does not accept this token");
    }

    async Task RequireRightAsync(UserInfo user, CancellationToken cancel)
    {
        var access = await kubernetes.ReviewAccessAsync(
            new SubjectAccessReviewSpec
            {
                User = user.Username,
                Uid = user.Uid,
                Groups = user.Groups,
                Extra = user.Extra,
                ResourceAttributes = new ResourceAttributes { Verb = "prove", Group = ApiGroup.Name, Resource = "gpuleases" },
            },
            cancel);
        if (!access.Allowed)
            throw new HttpProblem(403, "Forbidden", $"{user.Username} may not prove gpuleases in the cluster");
    }

    async Task<string> AgentOfAsync(UserInfo user, string node, CancellationToken cancel)
    {
        var name = user.Username!;
        if (user.Groups?.Contains(NodesGroup) is true && name.StartsWith(NodePrefix, StringComparison.Ordinal))
        {
            return name == NodePrefix + node
                ? $"node {node}" : throw new HttpProblem(403, "OtherNode", $"{name} speaks for its own node, not for {node}");
        }

        var pod = user.Extra?.GetValueOrDefault(UserInfo.PodNameKey)?.FirstOrDefault();
        var uid = user.Extra?.GetValueOrDefault(UserInfo.PodUidKey)?.FirstOrDefault();
        if (pod is null || uid is null || !name.StartsWith(AccountPrefix, StringComparison.Ordinal))
            throw new HttpProblem(403, "Forbidden", $"the token of {name} is not bound to a pod: nothing tells on which node it is");
        var ns = name[AccountPrefix.Length..].Split(':')[0];
        var found = await kubernetes.FindAsync<Pod>(pod, ns, cancel);
        if (found?.Metadata.Uid != uid)
            throw new HttpProblem(403, "Forbidden", $"there is no pod {ns}/{pod} with uid {uid} any more");
        return found.Spec?.NodeName == node
            ? $"agent {ns}/{pod}"
            : throw new HttpProblem(
                403, "OtherNode", $"the agent's pod {ns}/{pod} is on node {found.Spec?.NodeName ?? "none"}, not on {node}");
    }
}
