// Names that would lead a URL somewhere else.
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Client;

static class PathSegments
{
    /// <summary>
    /// ".." would turn the deletion of one object into that of its namespace. Everything else is for the server to judge, since kinds
    /// differ in what they allow.
    /// </summary>
    /// <exception cref="KubernetesException">Invalid, with the field as its cause: the text can not be one segment of a path.</exception>
    public static void Check(ResourceRef resource, string field, string value)
    {
        var wrong = value switch
        {
            "" => "must not be empty",
            "." or ".." => $"may not be '{value}'",
            _ when value.Contains('/', StringComparison.Ordinal) => "may not contain '/'",
            _ when value.Contains('%', StringComparison.Ordinal) => "may not contain '%'",
            _ => null,
        };
        if (wrong is null)
            return;
        var message = $"{resource} \"{value}\": metadata.{field}: {wrong}";
        var cause = new StatusCause("FieldValueInvalid", wrong, $"metadata.{field}");
        var details = new StatusDetails { Name = value, Group = resource.Group, Kind = resource.Kind, Causes = [cause] };
        throw new KubernetesException(
            message, new Status { Outcome = "Failure", Reason = KubernetesReasons.Invalid, Message = message, Details = details });
    }
}
