using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary><c>/worker/v1</c>: served by every replica. HTTP in and out here; what happens is <see cref="WorkerService"/>'s.</summary>
static class WorkerEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, WorkerService service, AttemptCredential credential, ILogger logger)
    {
        routes.MapPost("/worker/v1/attach", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var token = JsonRoute.Bearer(context) ?? throw new HttpProblem(401, "Unauthorized", "attach needs the pod's projected token as bearer token");
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.AttachRequest, cancel);
            await JsonRoute.WriteAsync(context, await service.AttachAsync(token, request, cancel), ProtocolJson.Default.Assignment, cancel);
        }));
        routes.MapPost("/worker/v1/beat", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var fence = Fence(context, credential);
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.BeatRequest, cancel);
            await JsonRoute.WriteAsync(context, await service.BeatAsync(fence, request, cancel), ProtocolJson.Default.BeatReply, cancel);
        }));
        routes.MapPost("/worker/v1/complete", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var fence = Fence(context, credential);
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.CompleteRequest, cancel);
            await JsonRoute.WriteAsync(context, await service.CompleteAsync(fence, request, cancel), ProtocolJson.Default.CompleteReply, cancel);
        }));
        routes.MapPost("/worker/v1/fail", context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var fence = Fence(context, credential);
            var request = await JsonRoute.ReadAsync(context, ProtocolJson.Default.FailRequest, cancel);
            await JsonRoute.WriteAsync(context, await service.FailAsync(fence, request, cancel), ProtocolJson.Default.FailReply, cancel);
        }));
    }

    static AttemptFence Fence(HttpContext context, AttemptCredential credential) =>
        credential.Verify(JsonRoute.Bearer(context)) ?? throw new HttpProblem(401, "Unauthorized", "the credential that attach answered is needed as bearer token");
}
