using Framelease.GpuWorker.Api;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Attempts;

/// <summary>How attach ended.</summary>
abstract record AttachResult
{
    AttachResult()
    {
    }

    public sealed record Attached(Assignment Assignment) : AttachResult;

    public sealed record Stale(string Detail) : AttachResult;

    public sealed record GaveUp(string Why) : AttachResult;
}

/// <summary>
/// First contact: tries until the operator has an assignment, which may be a moment after the pod started (425), until the operator is back,
/// or until the start deadline. The worker has touched neither device nor output before.
/// </summary>
sealed class AttachLoop(IWorkerApi api, WorkerLog log, TimeProvider time, Random chance)
{
    // a token that was just projected may not be known to every API server yet
    const int UnauthorizedTries = 6;
    static readonly TimeSpan QuietBetweenLines = TimeSpan.FromSeconds(10);
    readonly Backoff _backoff = new(chance, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));

    public async Task<AttachResult> RunAsync(AttachRequest request, TimeSpan within, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        TimeSpan? lastLine = null;
        for (var tries = 1; ; tries++)
        {
            string why;
            TimeSpan? asked = null;
            switch (await api.AttachAsync(request, cancellation))
            {
                case ApiAnswer<Assignment>.Ok(var assignment):
                    return Problem(assignment, request) is { } problem ? new AttachResult.GaveUp(problem) : new AttachResult.Attached(assignment);
                case ApiAnswer<Assignment>.Refused { Status: 401, Detail: var detail } when tries < UnauthorizedTries:
                    why = $"401 {detail}";
                    break;
                case ApiAnswer<Assignment>.Refused { Reason: RefusalReasons.StaleHolder } stale:
                    return new AttachResult.Stale(stale.Detail);
                case ApiAnswer<Assignment>.Refused refused:
                    return new AttachResult.GaveUp($"the operator refused: {refused.Status} {refused.Reason} {refused.Detail}");
                case ApiAnswer<Assignment>.Later later:
                    (why, asked) = (later.Why, later.After);
                    break;
                default:
                    throw new InvalidOperationException("an answer is one of three");
            }

            var elapsed = time.GetElapsedTime(started);
            if (elapsed >= within)
                return new AttachResult.GaveUp($"no assignment within {within.TotalSeconds:0} s; last: {why}");
            if (elapsed > TimeSpan.FromSeconds(2) && (lastLine is null || elapsed - lastLine > QuietBetweenLines))
            {
                lastLine = elapsed;
                log.Line($"attach: not yet ({why}); trying on");
            }

            // A delay counts whole milliseconds: what is left, rounded down, would be none, and this loop would spin to its end.
            var (wait, left) = (_backoff.Next(asked), TimeSpan.FromMilliseconds(Math.Ceiling((within - elapsed).TotalMilliseconds)));
            await Task.Delay(wait < left ? wait : left, time, cancellation);
        }
    }

    // the operator of another version may send less than this one needs
    static string? Problem(Assignment a, AttachRequest request) =>
        a.Attempt.PodUid != request.PodUid ? $"the operator's assignment is for pod {a.Attempt.PodUid}, this is {request.PodUid}"
        : a.Credential.Length == 0 ? "the operator's assignment has no credential"
        : a.HeartbeatIntervalSeconds is < 1 or > 3600 ? $"heartbeatIntervalSeconds is {a.HeartbeatIntervalSeconds}; allowed are 1 to 3600"
        : null;
}
