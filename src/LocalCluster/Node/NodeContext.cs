using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Devices;
using Framelease.LocalCluster.Node.Images;
using Framelease.LocalCluster.Node.Processes;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Node;

/// <summary>What every pod of this node shares.</summary>
sealed record NodeContext(
    string NodeName, IReadOnlyDictionary<string, string> Labels, IKubernetesClient Client, IPodRuntime Runtime, PodPaths Paths, ImageTable Images,
    ResourceLedger Ledger, IReadOnlyList<string> AllowedHostPaths, IPodEvents Events, TimeProvider Time, ILogger Logger);

/// <summary>Tells people about a pod, as <c>kubectl describe</c> shows it. Never waits and never fails.</summary>
interface IPodEvents
{
    /// <param name="type">Normal or Warning.</param>
    void Say(Pod pod, string type, string reason, string note);
}
