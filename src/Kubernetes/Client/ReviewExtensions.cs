// Who is this token, may they, and a token for a service account.
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Client;

public static class ReviewExtensions
{
    /// <summary>Asks the API server who a token belongs to and whether it is meant for one of <paramref name="audiences"/>.</summary>
    public static async Task<TokenReviewStatus> ReviewTokenAsync(
        this IKubernetesClient client, string token, IReadOnlyList<string>? audiences = null, CancellationToken ct = default)
    {
        var review = await client.CreateAsync(new TokenReview { Spec = new() { Token = token, Audiences = audiences } }, ct);
        return review.Status ?? new();
    }

    /// <summary>Asks the API server whether a user may do something.</summary>
    public static async Task<SubjectAccessReviewStatus> ReviewAccessAsync(
        this IKubernetesClient client, SubjectAccessReviewSpec spec, CancellationToken ct = default)
    {
        var review = await client.CreateAsync(new SubjectAccessReview { Spec = spec }, ct);
        return review.Status ?? new();
    }

    /// <summary>A bound token of a service account.</summary>
    /// <param name="expirationSeconds">At least 600.</param>
    /// <param name="boundPod">Pod whose deletion ends the token, by name and uid.</param>
    public static async Task<TokenRequestStatus> CreateTokenAsync(
        this IKubernetesClient client, string serviceAccount, string? ns, IReadOnlyList<string> audiences, long expirationSeconds = 3600,
        (string Name, string Uid)? boundPod = null, CancellationToken ct = default)
    {
        var request = new TokenRequest
        {
            Spec = new()
            {
                Audiences = audiences,
                ExpirationSeconds = expirationSeconds,
                BoundObjectRef = boundPod is { } pod ? new("Pod", "v1", pod.Name, pod.Uid) : null,
            },
        };
        var answer = await client.CreateSubresourceAsync(
            ResourceRef.Of<ServiceAccount>(), serviceAccount, ns, "token", request, ct);
        return answer.Status ?? throw KubernetesErrors.InvalidResponse("token request", "no status");
    }
}
