using Framelease.Devices;
using Framelease.NodeAgent;
using Framelease.NodeAgent.Asking;
using Framelease.NodeAgent.Looking;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Node;

/// <summary>
/// The process node's part in proofs of death (R4 c): the same agent as on a cluster's nodes, as the node itself. Its pods' processes carry
/// their pod's UID in the environment; what holds a bare lease must be in this node's own pid namespace to be seen.
/// </summary>
static class HolderProofs
{
    /// <summary>Until cancelled. A machine that does not tell enough about itself is no reason for the node to end.</summary>
    internal static async Task RunAsync(
        string nodeName, Uri operatorUrl, Func<string> token, TimeProvider time, Random random, ILogger logger, CancellationToken ct)
    {
        Viewpoint here;
        try
        {
            here = Viewpoints.Here(PodsKnownBy.Environment);
        }
        catch (AgentException e)
        {
            Log.ProvesNothing(logger, e.Message);
            return;
        }

        if (Viewpoints.Hidden() is { } hidden)
        {
            Log.ProvesNothing(logger, hidden);
            return;
        }

        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = operatorUrl, Timeout = Timeout.InfiniteTimeSpan,
        };
        var version = typeof(HolderProofs).Assembly.GetName().Version?.ToString(3) ?? "0";
        await new AgentLoop(
            new HttpOperator(client, nodeName, token, time), new ProcReader("/proc", here), new NvidiaSmi(time), version,
            line => Log.Proofs(logger, line), time, random).RunAsync(ct);
    }
}
