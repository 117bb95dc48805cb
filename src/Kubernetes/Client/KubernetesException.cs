// The one error family of this library.
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Client;

/// <summary>
/// What went wrong between us and the API server. <see cref="Reason"/> is the API server's word (<see cref="KubernetesReasons"/>) or one of ours
/// when it never answered: <see cref="KubernetesReasons.Unreachable"/>, <see cref="KubernetesReasons.TimedOut"/>,
/// <see cref="KubernetesReasons.InvalidResponse"/>, <see cref="KubernetesReasons.InvalidConfiguration"/>.
/// Misuse (null names, unmarked types) throws the usual argument exceptions.
/// </summary>
public class KubernetesException : Exception
{
    public KubernetesException(string message, Status status, Exception? inner = null, TimeSpan? retryAfter = null)
        : base(message, inner)
    {
        Status = status;
        RetryAfter = retryAfter;
    }

    /// <summary>The server's Status object, or one made by us with <see cref="Code"/> 0.</summary>
    public Status Status { get; }

    /// <summary>HTTP status code; 0 when no answer came.</summary>
    public int Code => Status.Code ?? 0;

    /// <summary>One of <see cref="KubernetesReasons"/>, or a word of a newer server.</summary>
    public string Reason => Status.Reason ?? "Unknown";

    /// <summary>Fields and what is wrong with them; empty when the server named none.</summary>
    public IReadOnlyList<StatusCause> Causes => Status.Details?.Causes ?? [];

    /// <summary>How long the server asks us to wait.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>True when the same request may succeed later without anybody changing anything.</summary>
    public bool IsTransient => Reason is KubernetesReasons.Unreachable or KubernetesReasons.TimedOut || Code is 408 or 429 or (>= 500 and not 501);

    public bool IsNotFound => Code == 404;

    /// <summary>409 for another writer (not <see cref="IsAlreadyExists"/>).</summary>
    public bool IsConflict => Code == 409 && Reason != KubernetesReasons.AlreadyExists;

    public bool IsAlreadyExists => Reason == KubernetesReasons.AlreadyExists;

    /// <summary>410: the resource version or the continue token is too old. List again.</summary>
    public bool IsGone => Code == 410;

    internal static KubernetesException Local(string reason, string message, Exception? inner = null) =>
        new(message, new Status { Outcome = "Failure", Reason = reason, Message = message }, inner);
}

/// <summary>Reasons as in metav1.StatusReason, and four of our own for when no Status came.</summary>
public static class KubernetesReasons
{
    public const string
        BadRequest = nameof(BadRequest),
        Unauthorized = nameof(Unauthorized),
        Forbidden = nameof(Forbidden),
        NotFound = nameof(NotFound),
        MethodNotAllowed = nameof(MethodNotAllowed),
        NotAcceptable = nameof(NotAcceptable),
        AlreadyExists = nameof(AlreadyExists),
        Conflict = nameof(Conflict),
        Gone = nameof(Gone),
        Expired = nameof(Expired),
        RequestEntityTooLarge = nameof(RequestEntityTooLarge),
        UnsupportedMediaType = nameof(UnsupportedMediaType),
        Invalid = nameof(Invalid),
        TooManyRequests = nameof(TooManyRequests),
        InternalError = nameof(InternalError),
        ServiceUnavailable = nameof(ServiceUnavailable),
        ServerTimeout = nameof(ServerTimeout),
        Timeout = nameof(Timeout);

    /// <summary>No connection, or it broke before an answer came.</summary>
    public const string Unreachable = nameof(Unreachable);

    /// <summary>No answer within <see cref="KubernetesClientOptions.Timeout"/>.</summary>
    public const string TimedOut = nameof(TimedOut);

    /// <summary>An answer that is not Kubernetes JSON.</summary>
    public const string InvalidResponse = nameof(InvalidResponse);

    /// <summary>The kubeconfig, or what it points to, is wrong.</summary>
    public const string InvalidConfiguration = nameof(InvalidConfiguration);
}
