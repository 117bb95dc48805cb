using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Operator.Api;

/// <summary>
/// Who may read what: the caller's bearer token goes through TokenReview, the wish through SubjectAccessReview, in embedded mode too. Answers are kept for
/// some seconds, so that a dashboard does not turn into load on the API server.
/// </summary>
sealed class Authorizer(IKubernetesClient kubernetes, TimeProvider time)
{
    const int MaxEntries = 10_000;
    static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);

    readonly ConcurrentDictionary<string, (bool Allowed, string User, long At)> _answers = new(StringComparer.Ordinal);

    /// <returns>The user's name.</returns>
    /// <exception cref="HttpProblem">401 or 403.</exception>
    public async Task<string> RequireAsync(HttpContext context, string verb, string resource, string? ns, string? name, CancellationToken cancel)
    {
        var token = JsonRoute.Bearer(context)
            ?? throw new HttpProblem(401, "Unauthorized", "a bearer token of the cluster is needed: the one in your kubeconfig, or `kubectl create token NAME`");
        var key = $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))} {verb} {resource} {ns} {name}";
        if (!_answers.TryGetValue(key, out var answer) || time.GetElapsedTime(answer.At) > Lifetime)
        {
            answer = await AskAsync(token, verb, resource, ns, name, cancel);
            if (_answers.Count > MaxEntries)
                _answers.Clear();
            _answers[key] = answer;
        }

        return answer.Allowed ? answer.User : throw new HttpProblem(403, "Forbidden", $"{answer.User} may not {verb} {resource} in {ns ?? "the cluster"}");
    }

    async Task<(bool, string, long)> AskAsync(string token, string verb, string resource, string? ns, string? name, CancellationToken cancel)
    {
        var who = await kubernetes.ReviewTokenAsync(token, null, cancel);
        if (!who.Authenticated || who.User?.Username is not { } user)
            throw new HttpProblem(401, "Unauthorized", "the cluster does not accept this token");
        var access = await kubernetes.ReviewAccessAsync(
            new SubjectAccessReviewSpec
            {
                User = user,
                Uid = who.User.Uid,
                Groups = who.User.Groups,
                Extra = who.User.Extra,
                ResourceAttributes = new ResourceAttributes { Verb = verb, Group = ApiGroup.Name, Resource = resource, Namespace = ns, Name = name },
            },
            cancel);
        return (access.Allowed, user, time.GetTimestamp());
    }
}
