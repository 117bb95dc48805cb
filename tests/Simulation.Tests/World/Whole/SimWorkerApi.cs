using Framelease.GpuWorker.Api;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.WorkerProtocol;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>
/// <c>/worker/v1</c> over the simulated network, to any replica that answers: the shipped handlers at the other end, and refusals as the
/// shipped routes and the shipped client make them.
/// </summary>
sealed class SimWorkerApi(WholeWorld world, SimPod pod) : IWorkerApi
{
    public Task<ApiAnswer<Assignment>> AttachAsync(AttachRequest request, CancellationToken cancellation) =>
        CallAsync(o => o.Worker.AttachAsync(PodTokens.Of(pod.Uid), request, CancellationToken.None), cancellation);

    public Task<ApiAnswer<BeatReply>> BeatAsync(string credential, BeatRequest request, CancellationToken cancellation) =>
        CallAsync(o => o.Worker.BeatAsync(Fence(o, credential), request, CancellationToken.None), cancellation);

    public Task<ApiAnswer<CompleteReply>> CompleteAsync(string credential, CompleteRequest request, CancellationToken cancellation) =>
        CallAsync(o => o.Worker.CompleteAsync(Fence(o, credential), request, CancellationToken.None), cancellation);

    public Task<ApiAnswer<FailReply>> FailAsync(string credential, FailRequest request, CancellationToken cancellation) =>
        CallAsync(o => o.Worker.FailAsync(Fence(o, credential), request, CancellationToken.None), cancellation);

    static AttemptFence Fence(WholeReplica replica, string credential) =>
        replica.Credential.Verify(credential) ?? throw new HttpProblem(401, "Unauthorized", "the credential that attach answered is needed");

    async Task<ApiAnswer<T>> CallAsync<T>(Func<WholeReplica, Task<T>> handler, CancellationToken cancel)
    {
        var replica = (WholeReplica)world.AnyReplica();
        try
        {
            return await world.Network.CallAsync(
                pod.Process!, replica.Process, replica.Process.Name, pod.Node, () => AnswerAsync(replica, handler),
                why => new TimeoutException(why), cancel);
        }
        catch (TimeoutException e)
        {
            return new ApiAnswer<T>.Later(e.Message, Reached: false, null);
        }
    }

    async Task<ApiAnswer<T>> AnswerAsync<T>(WholeReplica replica, Func<WholeReplica, Task<T>> handler)
    {
        try
        {
            return new ApiAnswer<T>.Ok(await handler(replica));
        }
        catch (Exception e) when (HttpProblem.From(e) is { } problem)
        {
            if (problem.Status == 500)
                world.Simulation.Fail(new InvariantBrokenException($"{replica.Process.Name} answers {pod.Name} with an internal error: {e}"));
            return problem.Status is 408 or 425 or 429 or >= 500
                ? new ApiAnswer<T>.Later($"{problem.Status} {problem.Reason} {problem.Message}", Reached: true, null)
                : new ApiAnswer<T>.Refused(problem.Status, problem.Reason, problem.Message);
        }
    }
}
