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
        routes.MapPost("/worker/v1/leases/beat", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var fence = Fence(context, credential);
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.HolderBeatRequest, cancel);
            await JsonRoute.WriteAsync(context, await service.BeatAsync(fence, request, cancel), ProtocolJson.Default.BeatReply, cancel);
        }));
        routes.MapPost("/worker/v1/leases/release", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var fence = Fence(context, credential);
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.HolderReleaseRequest, cancel);
            await JsonRoute.WriteAsync(context, await service.ReleaseAsync(fence, request, cancel), ProtocolJson.Default.HolderReleaseReply, cancel);
        }));
    }

    static HolderFence Fence(HttpContext context, HolderCredential credential) =>
        credential.Verify(JsonRoute.Bearer(context)) ?? throw new HttpProblem(401, "Unauthorized", "the credential that attach answered is needed as bearer token");
}
