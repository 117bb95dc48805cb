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
        var fenced = new FencedRoutes<AttemptFence>(routes, credential.Verify, logger);
        fenced.Post("/worker/v1/beat", ProtocolJson.Default.BeatRequest, ProtocolJson.Default.BeatReply, service.BeatAsync);
        fenced.Post("/worker/v1/complete", ProtocolJson.Default.CompleteRequest, ProtocolJson.Default.CompleteReply, service.CompleteAsync);
        fenced.Post("/worker/v1/fail", ProtocolJson.Default.FailRequest, ProtocolJson.Default.FailReply, service.FailAsync);
    }
}
