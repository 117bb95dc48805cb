namespace Framelease.Operator.Notifications;

/// <summary>Who is to be told of what now: a pure function. Alerts of one look go together into one message a sink.</summary>
/// <param name="Messages">Without ids; one a sink and kind.</param>
/// <param name="Levels">Alerts of which a higher level was told, or the same once more.</param>
/// <param name="Resolved">Keys of alerts that are over.</param>
sealed record NotificationPlan(
    IReadOnlyList<(string Sink, NotificationBody Body)> Messages, IReadOnlyList<(string Key, int Level)> Levels,
        IReadOnlyList<string> Resolved)
{
    /// <summary>An alert that was not seen for so long is over; one look without it is not enough.</summary>
    public const int ResolvedAfterSeconds = 75;

    public static NotificationPlan Decide(IReadOnlyList<Alert> alerts, NotificationOptions options, DateTimeOffset now)
    {
        var messages = new List<(string, NotificationBody)>();
        var over = alerts.Where(a => (now - a.SeenAt).TotalSeconds > ResolvedAfterSeconds).ToList();
        var open = alerts.Except(over).Select(a => (Alert: a, Step: StepOf(a, options, now))).ToList();
        foreach (var sink in options.Sinks)
        {
            Add(sink, NotificationKind.Resolved, over.Where(a => a.Level >= sink.Level));
            foreach (var kind in new[] { NotificationKind.Firing, NotificationKind.Escalated })
                Add(sink, kind, open.Where(o => o.Step.Kind == kind && sink.Level > o.Alert.Level && sink.Level <= o.Step.Level).Select(o =>
                    o.Alert));
            Add(sink, NotificationKind.Repeated,
                open.Where(o => o.Step.Kind is NotificationKind.Repeated && sink.Level <= o.Step.Level).Select(o => o.Alert));
        }

        return new NotificationPlan(
            messages, [.. open.Where(o => o.Step.Kind is not null).Select(o => (o.Alert.Key, o.Step.Level))], [.. over.Select(a => a.Key)]);

        void Add(SinkOptions sink, NotificationKind kind, IEnumerable<Alert> which)
        {
            List<AlertBody> bodies = [.. which.Where(a => a.Severity >= sink.Minimum).Select(Body)];
            if (bodies.Count > 0)
                messages.Add((sink.Name, new NotificationBody(kind, bodies)));
        }
    }

    // Kind null: nothing to tell now.
    static (NotificationKind? Kind, int Level) StepOf(Alert alert, NotificationOptions options, DateTimeOffset now)
    {
        var age = (now - alert.Since).TotalSeconds;
        if (age < options.GroupSeconds)
            return (null, alert.Level);
        if (alert.Level < 0)
            return (NotificationKind.Firing, 0);
        // Whoever cares for it need not be reminded, and nobody else need be told.
        if (alert.HandledAt is not null)
            return (null, alert.Level);
        var highest = options.Sinks.Select(s => s.Level).DefaultIfEmpty(0).Max();
        var due = Math.Min(highest, (int)((age - options.GroupSeconds) / options.EscalateSeconds));
        if (due > alert.Level)
            return (NotificationKind.Escalated, due);
        return alert.ToldAt is { } told && (now - told).TotalSeconds >= options.RepeatSeconds ? (NotificationKind.Repeated, alert.Level)
            : (null, alert.Level);
    }

    static AlertBody Body(Alert a) => new(a.Name, a.Severity, a.Subject, a.Message, a.Since, $"docs/runbooks/{a.Name}.md");
}
