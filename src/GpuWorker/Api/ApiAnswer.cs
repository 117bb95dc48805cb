namespace Framelease.GpuWorker.Api;

/// <summary>What became of a call to the operator.</summary>
abstract record ApiAnswer<T>
{
    ApiAnswer()
    {
    }

    public sealed record Ok(T Value) : ApiAnswer<T>;

    /// <summary>The operator decided against it; the same call gets the same answer.</summary>
    /// <param name="Reason">Of the problem details, for example <c>StaleHolder</c>; empty when the answer had none.</param>
    public sealed record Refused(int Status, string Reason, string Detail) : ApiAnswer<T>;

    /// <summary>No answer, or one that says "later". The call may or may not have had its effect.</summary>
    /// <param name="Reached">True when the operator answered at all.</param>
    /// <param name="After">What the operator asked to wait; null = nothing.</param>
    public sealed record Later(string Why, bool Reached, TimeSpan? After) : ApiAnswer<T>;
}

static class RefusalReasons
{
    public const string StaleHolder = nameof(StaleHolder);
    public const string ConflictingResult = nameof(ConflictingResult);
    public const string OutputMissing = nameof(OutputMissing);
    public const string OutputDiffers = nameof(OutputDiffers);
}
