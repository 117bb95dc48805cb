// metav1.Status: the API server's answer when there is no object to answer with, errors above all.
namespace Framelease.Kubernetes.Models;

public sealed record Status
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    /// <summary>Success or Failure.</summary>
    [System.Text.Json.Serialization.JsonPropertyName("status")]
    public string? Outcome { get; init; }

    public string? Message { get; init; }

    /// <summary>Machine-readable word; see <c>KubernetesReasons</c>.</summary>
    public string? Reason { get; init; }

    public StatusDetails? Details { get; init; }

    /// <summary>HTTP status code.</summary>
    public int? Code { get; init; }
}

public sealed record StatusDetails
{
    public string? Name { get; init; }

    public string? Group { get; init; }

    public string? Kind { get; init; }

    public string? Uid { get; init; }

    public IReadOnlyList<StatusCause>? Causes { get; init; }

    public int? RetryAfterSeconds { get; init; }
}

/// <param name="Reason">For example FieldValueInvalid.</param>
/// <param name="Field">Path of the field, for example <c>spec.backoffLimit</c>.</param>
public sealed record StatusCause(string? Reason = null, string? Message = null, string? Field = null);
