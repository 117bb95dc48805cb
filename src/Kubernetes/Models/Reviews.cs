// Who is it, and may it: TokenRequest, TokenReview and SubjectAccessReview.
using Framelease.Kubernetes.Schema;

namespace Framelease.Kubernetes.Models;

[KubernetesEntity("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", Namespaced = false)]
public sealed record TokenReview : KubernetesObject
{
    public TokenReviewSpec? Spec { get; init; }

    public TokenReviewStatus? Status { get; init; }
}

public sealed record TokenReviewSpec
{
    public string? Token { get; init; }

    public IReadOnlyList<string>? Audiences { get; init; }
}

public sealed record TokenReviewStatus
{
    public bool Authenticated { get; init; }

    public UserInfo? User { get; init; }

    /// <summary>The asked audiences that the token is good for.</summary>
    public IReadOnlyList<string>? Audiences { get; init; }

    /// <summary>Why it is not authenticated.</summary>
    public string? Error { get; init; }
}

public sealed record UserInfo
{
    /// <summary>Extra keys that bound service account tokens carry.</summary>
    public const string PodNameKey = "authentication.kubernetes.io/pod-name", PodUidKey = "authentication.kubernetes.io/pod-uid";

    public string? Username { get; init; }

    public string? Uid { get; init; }

    public IReadOnlyList<string>? Groups { get; init; }

    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Extra { get; init; }
}

[KubernetesEntity("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", Namespaced = false)]
public sealed record SubjectAccessReview : KubernetesObject
{
    public SubjectAccessReviewSpec? Spec { get; init; }

    public SubjectAccessReviewStatus? Status { get; init; }
}

public sealed record SubjectAccessReviewSpec
{
    public string? User { get; init; }

    public string? Uid { get; init; }

    public IReadOnlyList<string>? Groups { get; init; }

    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Extra { get; init; }

    public ResourceAttributes? ResourceAttributes { get; init; }

    public NonResourceAttributes? NonResourceAttributes { get; init; }
}

public sealed record ResourceAttributes
{
    public string? Namespace { get; init; }

    public string? Verb { get; init; }

    public string? Group { get; init; }

    public string? Version { get; init; }

    public string? Resource { get; init; }

    public string? Subresource { get; init; }

    public string? Name { get; init; }
}

public sealed record NonResourceAttributes(string? Path = null, string? Verb = null);

public sealed record SubjectAccessReviewStatus
{
    public bool Allowed { get; init; }

    public bool? Denied { get; init; }

    public string? Reason { get; init; }

    public string? EvaluationError { get; init; }
}

/// <summary>Body of serviceaccounts/{name}/token.</summary>
[KubernetesEntity("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests")]
public sealed record TokenRequest : KubernetesObject
{
    public TokenRequestSpec? Spec { get; init; }

    public TokenRequestStatus? Status { get; init; }
}

public sealed record TokenRequestSpec
{
    public IReadOnlyList<string>? Audiences { get; init; }

    /// <summary>At least 600.</summary>
    public long? ExpirationSeconds { get; init; }

    /// <summary>The pod or secret whose deletion ends the token.</summary>
    public BoundObjectReference? BoundObjectRef { get; init; }
}

public sealed record BoundObjectReference(string Kind, string ApiVersion, string Name, string? Uid = null);

public sealed record TokenRequestStatus
{
    public string? Token { get; init; }

    public DateTimeOffset? ExpirationTimestamp { get; init; }
}
