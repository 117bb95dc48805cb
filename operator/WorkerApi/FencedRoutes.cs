using System.Text.Json.Serialization.Metadata;
using Framelease.Operator.Api;

namespace Framelease.Operator.WorkerApi;

/// <summary>The calls that carry the credential which an attach answered: every one is bound to its fence before its body is read.</summary>
/// <param name="verify">The fence of a credential; null when it is none of ours, or no longer.</param>
sealed class FencedRoutes<TFence>(IEndpointRouteBuilder routes, Func<string?, TFence?> verify, ILogger logger)
    where TFence : class
{
    public void Post<TRequest, TReply>(
        string path, JsonTypeInfo<TRequest> request, JsonTypeInfo<TReply> reply, Func<TFence, TRequest, CancellationToken, Task<TReply>> answer)
        where TRequest : class =>
        routes.MapPost(path, context => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var fence = verify(JsonRoute.Bearer(context))
                ?? throw new HttpProblem(401, "Unauthorized", "the credential that attach answered is needed as bearer token");
            var told = await JsonRoute.ReadAsync(context, request, cancel);
            await JsonRoute.WriteAsync(context, await answer(fence, told, cancel), reply, cancel);
        }));
}
