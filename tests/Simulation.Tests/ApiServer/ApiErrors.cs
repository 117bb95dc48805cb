using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>Refusals, with the codes and reasons of a real server.</summary>
static class ApiErrors
{
    public static KubernetesException NotFound(ResourceRef resource, string name) =>
        Of(404, KubernetesReasons.NotFound, $"{resource} \"{name}\" not found");

    public static KubernetesException AlreadyExists(ResourceRef resource, string name) =>
        Of(409, KubernetesReasons.AlreadyExists, $"{resource} \"{name}\" already exists");

    public static KubernetesException Conflict(ResourceRef resource, string name, string why) =>
        Of(409, KubernetesReasons.Conflict, $"Operation cannot be fulfilled on {resource} \"{name}\": {why}");

    public static KubernetesException Invalid(ResourceRef resource, string name, string why) =>
        Of(422, KubernetesReasons.Invalid, $"{resource} \"{name}\" is invalid: {why}");

    public static KubernetesException Expired(long version, long oldest) =>
        Of(410, KubernetesReasons.Expired, $"too old resource version: {version} ({oldest})");

    /// <summary>No answer came: nobody knows whether the request was carried out.</summary>
    public static KubernetesException NoAnswer(string why) =>
        new(why, new Status { Outcome = "Failure", Reason = KubernetesReasons.TimedOut, Message = why });

    static KubernetesException Of(int code, string reason, string message) =>
        new(message, new Status { Outcome = "Failure", Code = code, Reason = reason, Message = message });
}
