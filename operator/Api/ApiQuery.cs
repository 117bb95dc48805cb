using System.Globalization;

namespace Framelease.Operator.Api;

/// <summary>Query parameters and path parts, with their bounds.</summary>
static class ApiQuery
{
    public const int DefaultLimit = 50;
    public const int MostLimit = 500;

    /// <summary>Null when it is not given; at most 253 characters, as names in Kubernetes.</summary>
    public static string? Text(HttpContext context, string name) => context.Request.Query[name].FirstOrDefault() is not { Length: > 0 } text
        ? null
        : text.Length <= 253 ? text : throw new HttpProblem(400, "Invalid", $"{name}: at most 253 characters");

    public static string Route(HttpContext context, string name)
    {
        var text = (string?)context.GetRouteValue(name) ?? "";
        return text.Length is > 0 and <= 253 ? text : throw new HttpProblem(400, "Invalid", $"{name}: 1 to 253 characters");
    }

    public static int Limit(HttpContext context) => Text(context, "limit") is not { } text ? DefaultLimit
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= MostLimit ? limit
        : throw new HttpProblem(400, "Invalid", $"limit: \"{text}\"; allowed is 1 to {MostLimit}");

    public static DateTimeOffset? Time(HttpContext context, string name) => Text(context, name) is not { } text ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at
        : throw new HttpProblem(400, "Invalid", $"{name}: \"{text}\" is no time; write it as 2026-01-31T14:02:00Z");

    /// <summary>Where a list goes on. Callers hand back what they were given and read nothing into it.</summary>
    public static long? Continue(HttpContext context)
    {
        if (Text(context, "continue") is not { } token)
            return null;
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        return Convert.TryFromBase64String(token.Replace('-', '+').Replace('_', '/') + "=", bytes, out var length) && length == sizeof(long)
            ? BitConverter.ToInt64(bytes)
            : throw new HttpProblem(400, "Invalid", "continue: not a token of this API; begin the list anew");
    }

    public static string ContinueAt(long position) =>
        Convert.ToBase64String(BitConverter.GetBytes(position)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
