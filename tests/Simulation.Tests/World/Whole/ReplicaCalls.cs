using Framelease.GpuWorker.Api;
using Framelease.Operator.Api;
using Framelease.Simulation.Tests.Engine;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>
/// Calls over the simulated network to any replica that answers: the shipped handlers at the other end, and refusals as the shipped routes and
/// the shipped client make them.
/// </summary>
sealed class ReplicaCalls(WholeWorld world, SimProcess from, string origin)
{
    public async Task<ApiAnswer<T>> CallAsync<T>(Func<WholeReplica, Task<T>> handler, CancellationToken cancel)
    {
        var replica = (WholeReplica)world.AnyReplica();
        if (!replica.IsServing)
            return new ApiAnswer<T>.Later("connection refused", Reached: false, null);
        try
        {
            return await world.Network.CallAsync(
                from, replica.Process, replica.Process.Name, origin, () => AnswerAsync(replica, handler), why => new TimeoutException(why), cancel);
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
                world.Simulation.Fail(new InvariantBrokenException($"{replica.Process.Name} answers {from.Name} with an internal error: {e}"));
            return problem.Status is 408 or 425 or 429 or >= 500
                ? new ApiAnswer<T>.Later($"{problem.Status} {problem.Reason} {problem.Message}", Reached: true, null)
                : new ApiAnswer<T>.Refused(problem.Status, problem.Reason, problem.Message);
        }
    }
}
