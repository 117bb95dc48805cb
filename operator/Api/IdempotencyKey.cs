namespace Framelease.Operator.Api;

/// <summary>
/// The header with which a program repeats a request of which it does not know whether it arrived. As the IETF's draft of the same name has it: chosen by the
/// caller, one key for one request.
/// </summary>
static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    public const string Description =
        "1 to 255 printable characters, chosen by the caller: a repeat of the same request with the same key makes nothing new, ever";

    /// <returns>Null when there is none.</returns>
    /// <exception cref="HttpProblem">400.</exception>
    public static string? Of(HttpContext context) => context.Request.Headers[Header] switch
    {
        { Count: 0 } => null,
        [{ Length: >= 1 and <= 255 } key] when key.All(c => c is >= ' ' and <= '~') => key,
        _ => throw new HttpProblem(400, "Invalid", $"{Header}: one value of {Description}"),
    };
}
