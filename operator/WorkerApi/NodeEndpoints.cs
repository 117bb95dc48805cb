using System.Globalization;
using Framelease.Operator.Api;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// <c>/worker/v1/nodes/{node}</c>: for the agent of a node, on every replica. Its quarantine is waited for rather than asked for again and
/// again: a request that knows the present list (<c>If-None-Match</c>) is answered when there is another.
/// </summary>
static class NodeEndpoints
{
    const int LongestName = 253;

    public static void Map(
        IEndpointRouteBuilder routes, NodeService service, NodeAuthorizer authorizer, LogFeed feed, TimeProvider time,
        ILogger logger, CancellationToken stopping)
    {
        routes.MapGet("/worker/v1/nodes/{node}/quarantine", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var (node, wait) = (Node(context), Wait(context));
            await authorizer.RequireAsync(context, node, NodeAuthorizer.Lax, cancel);
            using var ear = feed.Listen(node)
                ?? throw new HttpProblem(429, "TooManyRequests", $"several agents of node {node} wait already; run one");
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, stopping);
            var asked = time.GetTimestamp();
            while (true)
            {
                var list = await service.QuarantineAsync(node, cancel);
                var left = wait - time.GetElapsedTime(asked);
                if (left <= TimeSpan.Zero || stopping.IsCancellationRequested
                    || !JsonRoute.IsKnown(context, list, ProtocolJson.Default.NodeQuarantine))
                {
                    await JsonRoute.WriteAsync(context, list, ProtocolJson.Default.NodeQuarantine, cancel);
                    return;
                }

                try
                {
                    await ear.WaitAsync(left, time, either.Token);
                }
                catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
                {
                    // This replica stops: whoever waits hears it at once, and asks another.
                }
            }
        }));
        routes.MapPost("/worker/v1/nodes/{node}/proofs", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var node = Node(context);
            var agent = await authorizer.RequireAsync(context, node, NodeAuthorizer.Strict, cancel);
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.ProofsRequest, cancel);
            Check(request);
            var reply = await service.ProveAsync(node, agent, request, cancel);
            await JsonRoute.WriteAsync(context, reply, ProtocolJson.Default.ProofsReply, cancel);
        }));
    }

    static string Node(HttpContext context) => context.Request.RouteValues["node"] as string is { Length: > 0 and <= LongestName } node
        ? node : throw new HttpProblem(400, "Invalid", $"the name of a node has 1 to {LongestName} characters");

    static TimeSpan Wait(HttpContext context)
    {
        var text = context.Request.Query["wait"].FirstOrDefault();
        if (string.IsNullOrEmpty(text))
            return TimeSpan.Zero;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds <= NodeQuarantine.LongestWaitSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new HttpProblem(400, "Invalid", $"wait is not a number of seconds from 0 to {NodeQuarantine.LongestWaitSeconds}");
    }

    static void Check(ProofsRequest request)
    {
        if (request.Proofs is not { Count: > 0 and <= ProofsRequest.MostProofs })
            throw new HttpProblem(400, "Invalid", $"proofs: 1 to {ProofsRequest.MostProofs} are allowed");
        for (var i = 0; i < request.Proofs.Count; i++)
        {
            var proof = request.Proofs[i];
            if ((proof is null ? "is null" : Complaint(proof)) is { } complaint)
                throw new HttpProblem(400, "Invalid", string.Create(CultureInfo.InvariantCulture, $"proofs[{i}]: {complaint}"));
        }
    }

    static string? Complaint(SlotProof proof) => proof switch
    {
        { Device: not { Length: > 0 and <= LongestName } } => $"device: 1 to {LongestName} characters",
        { LeaseUid: not { Length: > 0 and <= 64 } } => "leaseUid: 1 to 64 characters",
        { Slot: < 0 } or { Token: < 1 } => "slot must be 0 or more, token 1 or more",
        { Evidence: not { Length: > 0 and <= NodeService.LongestEvidence } } =>
            $"evidence: 1 to {NodeService.LongestEvidence} characters that say what was looked at",
        _ when string.IsNullOrWhiteSpace(proof.Evidence) || proof.Evidence.Any(char.IsControl) => "evidence: one line of text",
        _ => null,
    };
}
