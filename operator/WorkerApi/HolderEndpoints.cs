using Framelease.Operator.Api;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// <c>/worker/v1/leases</c>: for holders without a task, on every replica. Wait and attach need a right of its own: verb <c>attach</c> on
/// <c>gpuleases</c> of our API group, in the lease's namespace; beat and release need the credential that attach answered.
/// </summary>
static class HolderEndpoints
{
    public static void Map(
        IEndpointRouteBuilder routes, HolderService service, HolderCredential credential, Authorizer authorizer, LogFeed grants, TimeProvider time,
        ILogger logger, CancellationToken stopping)
    {
        routes.MapPost("/worker/v1/leases/wait", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.HolderWaitRequest, cancel);
            Require(request.Namespace, request.LeaseUid);
            if (request.Seconds is < 0 or > HolderWaitRequest.LongestSeconds)
                throw new HttpProblem(400, "Invalid", $"seconds is {request.Seconds}; allowed are 0 to {HolderWaitRequest.LongestSeconds}");
            await authorizer.RequireAsync(context, "attach", "gpuleases", request.Namespace, null, cancel);
            using var ear = grants.Listen(request.LeaseUid) ?? throw WaitElsewhere(context);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, stopping);
            var (asked, most) = (time.GetTimestamp(), TimeSpan.FromSeconds(request.Seconds));
            while (true)
            {
                var reply = ear.Granted is { } news && news.Namespace == request.Namespace
                    ? HolderService.Told(news.Grant) : await service.LookAsync(request, cancel);
                var left = most - time.GetElapsedTime(asked);
                if (!reply.Waits || left <= TimeSpan.Zero || stopping.IsCancellationRequested)
                {
                    await JsonRoute.WriteAsync(context, reply, ProtocolJson.Default.HolderWaitReply, cancel);
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
        routes.MapPost("/worker/v1/leases/attach", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.HolderAttachRequest, cancel);
            Require(request.Namespace, request.LeaseUid);
            var user = await authorizer.RequireAsync(context, "attach", "gpuleases", request.Namespace, null, cancel);
            await JsonRoute.WriteAsync(context, await service.AttachAsync(user, request, cancel), ProtocolJson.Default.HeldLease, cancel);
        }));
        var fenced = new FencedRoutes<HolderFence>(routes, credential.Verify, logger);
        fenced.Post("/worker/v1/leases/beat", ProtocolJson.Default.HolderBeatRequest, ProtocolJson.Default.BeatReply, service.BeatAsync);
        fenced.Post(
            "/worker/v1/leases/release", ProtocolJson.Default.HolderReleaseRequest, ProtocolJson.Default.HolderReleaseReply, service.ReleaseAsync);
    }

    // Not 429: asking again would not help, and keep the connection.
    static HttpProblem WaitElsewhere(HttpContext context)
    {
        context.Response.Headers.Connection = "close";
        return new HttpProblem(409, "TooManyWaiting", "too many wait here already; watch the GpuLease instead");
    }

    static void Require(string? ns, string? uid)
    {
        if (string.IsNullOrEmpty(ns) || uid is not { Length: > 0 and <= 64 })
            throw new HttpProblem(400, "Invalid", "namespace and leaseUid (1 to 64 characters) of the GpuLease are needed");
    }
}
