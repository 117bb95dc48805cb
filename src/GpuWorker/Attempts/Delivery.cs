using Framelease.GpuWorker.Api;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Attempts;

/// <summary>What the operator made of a result.</summary>
enum Delivered
{
    Accepted,

    /// <summary>The attempt is another's, or over.</summary>
    Stale,

    /// <summary>Another result of this attempt is on record.</summary>
    Conflicting,

    /// <summary>The store does not hold the bytes.</summary>
    OutputMissing,

    /// <summary>Refused for another reason, which was logged.</summary>
    Refused,
}

/// <summary>
/// Delivers complete and fail until the operator has decided, however long it is away (R5); both are idempotent, so a lost reply costs a repetition.
/// No beat may be under way meanwhile: one that arrived behind its own complete would look like a stale holder.
/// </summary>
sealed class Delivery(IWorkerApi api, Session session, WorkerLog log, TimeProvider time, Random chance)
{
    public async Task<(Delivered Outcome, string Detail)> CompleteAsync(CompleteRequest request, CancellationToken cancellation)
    {
        var (outcome, answer, detail) = await UntilDecidedAsync("complete", () => api.CompleteAsync(session.Assignment.Credential, request, cancellation), cancellation);
        return (outcome, outcome == Delivered.Accepted ? answer!.Uri : detail);
    }

    public async Task<Delivered> FailAsync(FailRequest request, CancellationToken cancellation) =>
        (await UntilDecidedAsync("fail", () => api.FailAsync(session.Assignment.Credential, request, cancellation), cancellation)).Outcome;

    async Task<(Delivered Outcome, T? Value, string Detail)> UntilDecidedAsync<T>(string what, Func<Task<ApiAnswer<T>>> call, CancellationToken cancellation)
    {
        var backoff = new Backoff(chance, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));
        var refreshed = false;
        var said = false;
        while (true)
        {
            TimeSpan? asked;
            switch (await call())
            {
                case ApiAnswer<T>.Ok(var value):
                    return (Delivered.Accepted, value, "");
                case ApiAnswer<T>.Refused { Status: 401 } when !refreshed:
                    refreshed = true;
                    asked = await session.RefreshAsync(cancellation) ? TimeSpan.Zero : null;
                    break;
                case ApiAnswer<T>.Refused refused:
                    log.Line($"{what}: refused with {refused.Status} {refused.Reason} {refused.Detail}");
                    return (OutcomeOf(refused.Reason), default, refused.Detail);
                case ApiAnswer<T>.Later later:
                    if (!said)
                        log.Line($"{what}: not yet ({later.Why}); trying on until the operator has it");
                    said = true;
                    asked = later.After;
                    break;
                default:
                    throw new InvalidOperationException("an answer is one of three");
            }

            await Task.Delay(backoff.Next(asked), time, cancellation);
        }
    }

    static Delivered OutcomeOf(string reason) => reason switch
    {
        RefusalReasons.StaleHolder => Delivered.Stale,
        RefusalReasons.ConflictingResult => Delivered.Conflicting,
        RefusalReasons.OutputMissing => Delivered.OutputMissing,
        _ => Delivered.Refused,
    };
}
