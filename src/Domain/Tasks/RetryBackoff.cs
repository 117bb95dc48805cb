namespace Framelease.Domain.Tasks;

/// <summary>
/// Full-jitter exponential back-off: uniform in [0, min(cap, base·2^(failures−1))], as in "Exponential Backoff And Jitter" (AWS
/// Architecture Blog, 2015).
/// </summary>
public static class RetryBackoff
{
    public const int BaseSeconds = 2;
    public const int CapSeconds = 300;

    /// <param name="failures">Failures so far, the present one included; at least 1.</param>
    /// <param name="chance">Uniform in [0, 1): passed in, so that the decision stays pure.</param>
    public static int Seconds(int failures, double chance)
    {
        var ceiling = Math.Min(CapSeconds, BaseSeconds * Math.Pow(2, Math.Clamp(failures, 1, 30) - 1));
        return (int)Math.Floor(ceiling * chance);
    }
}
