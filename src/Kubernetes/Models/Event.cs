// events.k8s.io/v1 Event, as kubectl describe shows it.
using System.Text.Json.Serialization;
using Framelease.Kubernetes.Schema;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Models;

[KubernetesEntity("events.k8s.io", "v1", "Event", "events")]
public sealed record Event : KubernetesObject
{
    /// <summary>Time of the first occurrence, to the microsecond.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? EventTime { get; init; }

    public EventSeries? Series { get; init; }

    /// <summary>Name of the controller, at most 128 characters, for example <c>framelease.dev/operator</c>.</summary>
    public string? ReportingController { get; init; }

    /// <summary>The replica, at most 128 characters.</summary>
    public string? ReportingInstance { get; init; }

    /// <summary>What was done about it, CamelCase, at most 128 characters.</summary>
    public string? Action { get; init; }

    /// <summary>Why, CamelCase, at most 128 characters.</summary>
    public string? Reason { get; init; }

    public ObjectReference? Regarding { get; init; }

    public ObjectReference? Related { get; init; }

    /// <summary>Text for people, at most 1,024 bytes.</summary>
    public string? Note { get; init; }

    /// <summary>Normal or Warning.</summary>
    public string? Type { get; init; }
}

/// <summary>Repeats of one event.</summary>
public sealed record EventSeries
{
    /// <summary>Occurrences so far, at least 2.</summary>
    public int Count { get; init; }

    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? LastObservedTime { get; init; }
}

public sealed record ObjectReference
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public string? Namespace { get; init; }

    public string? Name { get; init; }

    public string? Uid { get; init; }

    public string? ResourceVersion { get; init; }

    public string? FieldPath { get; init; }
}
