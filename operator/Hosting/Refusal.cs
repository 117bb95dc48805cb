using Framelease.EventStore;
using Framelease.Kubernetes.Client;
using Framelease.Operator.Authority;

namespace Framelease.Operator.Hosting;

/// <summary>
/// What ends the operator because its surroundings are not as they must be (a database of another cluster, no rights, a kubeconfig that names
/// nothing): said in one line, for whoever can mend it. Anything else is a fault of the program, and keeps its stack trace.
/// </summary>
static class Refusal
{
    /// <returns>Null when the exception is none.</returns>
    public static string? TextOf(Exception e) => e switch
    {
        EventStoreException or DatabaseOfAnotherClusterException or KubernetesException => e.Message,
        IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } => $"{e.Message} Mend: name another address with --listen.",
        _ => null,
    };
}
