using System.Text.Json;
using System.Text.Json.Serialization;
using Framelease.Operator.Monitoring;

namespace Framelease.Operator.Notifications;

/// <summary>Who is told of what, and how: the file that <c>--notifications</c> names. Secrets are in files of their own, which are read at
/// every use, so that they can be rotated.</summary>
sealed record NotificationOptions
{
    // By reflection, once at start: generated code would put zeros where the file leaves a default.
    static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true, PropertyNameCaseInsensitive = false, Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>How long a new alert waits for others to be told with it. Default 30 s.</summary>
    public int GroupSeconds { get; init; } = 30;

    /// <summary>How long an alert may stay unhandled before those of the next level are told. Default 900 s.</summary>
    public int EscalateSeconds { get; init; } = 900;

    /// <summary>After how long an alert that is still there and unhandled is told again. Default 4 h.</summary>
    public int RepeatSeconds { get; init; } = 14_400;

    /// <summary>Hosts that URLs may name although their addresses are private or of this machine. Default none.</summary>
    public IReadOnlyList<string> PrivateHosts { get; init; } = [];

    public IReadOnlyList<SinkOptions> Sinks { get; init; } = [];

    /// <exception cref="NotificationOptionsException">The file cannot be read, or something in it is wrong.</exception>
    public static NotificationOptions Load(string file)
    {
        try
        {
            var options = JsonSerializer.Deserialize<NotificationOptions>(File.ReadAllText(file), Format)
                ?? throw new NotificationOptionsException($"{file}: the file must hold a JSON object");
            if (options.Complaint() is { } complaint)
                throw new NotificationOptionsException($"{file}: {complaint}");
            return options;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new NotificationOptionsException($"{file}: {e.Message}", e);
        }
    }

    /// <returns>What is wrong and what is allowed; null when nothing is.</returns>
    public string? Complaint() =>
        Bound(nameof(GroupSeconds), GroupSeconds, 0, 3600) ?? Bound(nameof(EscalateSeconds), EscalateSeconds, 60, 86_400)
        ?? Bound(nameof(RepeatSeconds), RepeatSeconds, 300, 604_800)
        ?? (Sinks.Count > 32 ? $"sinks: {Sinks.Count}; allowed are at most 32" : null)
        ?? (Sinks.GroupBy(s => s.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? $"sinks: \"{twice.Key}\" is there twice" : null)
        ?? Sinks.Select(s => s.Complaint()).OfType<string>().FirstOrDefault();

    static string? Bound(string name, int value, int least, int most) =>
        value >= least && value <= most ? null : $"{JsonNamingPolicy.CamelCase.ConvertName(name)} is {value}; allowed is {least} to {most}";
}

/// <summary>A way to tell people.</summary>
sealed record SinkOptions
{
    /// <summary>Unique; shown in metrics.</summary>
    public required string Name { get; init; }

    public required SinkType Type { get; init; }

    /// <summary>0 is told first; 1 after an alert stayed unhandled for one escalation, and so on. 0 to 9.</summary>
    public int Level { get; init; }

    /// <summary>Less severe alerts are not told here. Default Warning: all.</summary>
    public IssueSeverity Minimum { get; init; } = IssueSeverity.Warning;

    /// <summary>Webhook and Sms: http or https.</summary>
    public Uri? Url { get; init; }

    /// <summary>Webhook: file of the key that signs. Sms: file of the bearer token. Email: file of the password.</summary>
    public string? SecretFile { get; init; }

    /// <summary>Email: addresses. Sms: numbers.</summary>
    public IReadOnlyList<string> To { get; init; } = [];

    /// <summary>Email: the server.</summary>
    public string? Host { get; init; }

    /// <summary>Email. Default 587.</summary>
    public int Port { get; init; } = 587;

    /// <summary>Email: whether the connection must be encrypted (STARTTLS). Default true.</summary>
    public bool StartTls { get; init; } = true;

    /// <summary>Email: name to log in with; none = no login.</summary>
    public string? User { get; init; }

    /// <summary>Email: the sender's address.</summary>
    public string? From { get; init; }

    /// <summary>Sms: what is posted for each number; <c>{to}</c> and <c>{text}</c> are put in, escaped for the content type.</summary>
    public string Body { get; init; } = """{"to":"{to}","text":"{text}"}""";

    /// <summary>Sms: application/json (default) or application/x-www-form-urlencoded.</summary>
    public string ContentType { get; init; } = "application/json";

    public string? Complaint() => (Name.Length is 0 or > 63, Level is < 0 or > 9, Type) switch
    {
        (true, _, _) => "a sink's name has 1 to 63 characters",
        (_, true, _) => $"sink {Name}: level is {Level}; allowed is 0 to 9",
        (_, _, SinkType.Webhook or SinkType.Sms) when Url is not { IsAbsoluteUri: true, Scheme: "http" or "https" } =>
            $"sink {Name}: url must be http or https",
        (_, _, SinkType.Webhook) when SecretFile is null => $"sink {Name}: secretFile is missing: it holds the key that signs",
        (_, _, SinkType.Sms) when To.Count is 0 or > 50 => $"sink {Name}: to: 1 to 50 numbers",
        (_, _, SinkType.Sms) when ContentType is not ("application/json" or "application/x-www-form-urlencoded") =>
            $"sink {Name}: contentType is \"{ContentType}\"; allowed is application/json or application/x-www-form-urlencoded",
        (_, _, SinkType.Email) when Host is null || From is null || To.Count is 0 or > 50 =>
            $"sink {Name}: an Email needs host, from, and 1 to 50 addresses in to",
        _ => null,
    };
}

enum SinkType
{
    Webhook,
    Email,
    Sms,
}

/// <summary>The file of <c>--notifications</c> cannot be used; the message says why.</summary>
sealed class NotificationOptionsException(string message, Exception? inner = null) : Exception(message, inner);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NotificationBody))]
sealed partial class NotificationJson : JsonSerializerContext;
