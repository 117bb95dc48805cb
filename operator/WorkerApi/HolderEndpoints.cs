using Framelease.Operator.Api;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// <c>/worker/v1/leases</c>: for holders without a task, on every replica. Attach needs a right of its own: verb <c>attach</c> on
/// <c>gpuleases</c> of our API group, in the lease's namespace; beat and release need the credential that attach answered.
/// </summary>
static class HolderEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, HolderService service, HolderCredential credential, Authorizer authorizer, ILogger logger)
    {
        routes.MapPost("/worker/v1/leases/attach", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.HolderAttachRequest, cancel);
            if (string.IsNullOrEmpty(request.Namespace) || string.IsNullOrEmpty(request.LeaseUid))
                throw new HttpProblem(400, "Invalid", "namespace and leaseUid of the GpuLease are needed");
            var user = await authorizer.RequireAsync(context, "attach", "gpuleases", request.Namespace, null, cancel);
            await JsonRoute.WriteAsync(context, await service.AttachAsync(user, request, cancel), ProtocolJson.Default.HeldLease, cancel);
        }));
        var fenced = new FencedRoutes<HolderFence>(routes, credential.Verify, logger);
        fenced.Post("/worker/v1/leases/beat", ProtocolJson.Default.HolderBeatRequest, ProtocolJson.Default.BeatReply, service.BeatAsync);
        fenced.Post(
            "/worker/v1/leases/release", ProtocolJson.Default.HolderReleaseRequest, ProtocolJson.Default.HolderReleaseReply, service.ReleaseAsync);
    }
}
