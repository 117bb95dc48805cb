using Framelease.Operator.Monitoring;

namespace Framelease.Operator.Notifications;

/// <summary>An issue with its story: since when, who was told, who cares for it.</summary>
/// <param name="Level">The highest level that was told of it; -1 = nobody yet.</param>
sealed record Alert(
    string Key, string Name, IssueSeverity Severity, string Subject, string Message, DateTimeOffset Since, DateTimeOffset SeenAt, int Level,
    DateTimeOffset? ToldAt, string? HandledBy, DateTimeOffset? HandledAt, string? Note);

enum NotificationKind
{
    Firing,
    Escalated,
    Repeated,
    Resolved,
}

/// <summary>One message to one sink, about one or more alerts.</summary>
/// <param name="Id">Stays the same through all tries: whoever gets it twice can tell.</param>
sealed record Notification(Guid Id, string Sink, NotificationKind Kind, NotificationBody Body);

/// <summary>What a webhook is sent as JSON, and what the texts are made of.</summary>
sealed record NotificationBody(NotificationKind Kind, IReadOnlyList<AlertBody> Alerts)
{
    /// <summary>One line, for subjects and short messages.</summary>
    public string Title => Alerts.Count == 1
        ? $"[Framelease] {Kind}: {Alerts[0].Line}"
        : $"[Framelease] {Kind}: {Alerts.Count} alerts: {string.Join(", ", Alerts.Select(a => a.Name).Distinct(StringComparer.Ordinal))}";

    public string Text => string.Join("\n\n", Alerts.Select(a => a.Paragraph));
}

/// <param name="Runbook">Path of the page that says what to do.</param>
sealed record AlertBody(string Name, IssueSeverity Severity, string Subject, string Message, DateTimeOffset Since, string Runbook)
{
    [System.Text.Json.Serialization.JsonIgnore]
    public string Line => $"{Severity} {Name}{(Subject.Length > 0 ? $" ({Subject})" : "")}: {Message}";

    [System.Text.Json.Serialization.JsonIgnore]
    public string Paragraph => $"{Line}\nsince {Since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC\n{Runbook}";
}
