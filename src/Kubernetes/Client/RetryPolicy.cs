// When a request is sent again, and after how long. Pure, so that the table can be tested.
namespace Framelease.Kubernetes.Client;

/// <summary>
/// Sent again: 429 and 503 that carry Retry-After (the server did nothing), any verb; what never left this machine, any verb; everything transient
/// for what may be repeated: reads, a replace of a known version, a server-side apply, a delete of a known uid. The repeat of a replace or delete that
/// did reach the server is refused with 409, or finds nothing: the caller looks at the present then, as after any conflict. Another write whose fate is
/// unknown is the caller's from the start.
/// </summary>
static class RetryPolicy
{
    /// <summary>Longest Retry-After that is obeyed; a server that asks for more gets the error passed on to the caller.</summary>
    public static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(10);

    static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);

    /// <summary>The wait before attempt <paramref name="attempt"/> + 1, or null when the error goes to the caller.</summary>
    /// <param name="attempt">Failed attempts so far, from 1.</param>
    /// <param name="neverSent">See <see cref="KubernetesErrors.NeverSent"/>.</param>
    /// <param name="chance">In [0, 1).</param>
    public static TimeSpan? Next(KubernetesException error, bool isRepeatable, bool neverSent, int attempt, int maxRetries, double chance)
    {
        if (attempt > maxRetries)
            return null;
        if (error.RetryAfter is { } asked && error.Code is 429 or 503)
            return asked > MaxRetryAfter ? null : asked + (First * chance);
        if (neverSent || error.Code == 429 || (isRepeatable && error.IsTransient))
            return First * Math.Pow(2, attempt - 1) * (0.5 + chance);
        return null;
    }
}
