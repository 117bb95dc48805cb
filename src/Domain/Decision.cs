namespace Framelease.Domain;

/// <summary>
/// What a decider answers: events to append (none for an idempotent repeat), or a refusal that says why. Deciders are pure (R7): no clock,
/// no I/O, no chance; they throw only on bugs.
/// </summary>
public abstract record Decision<TEvent>
{
    Decision()
    {
    }

    /// <param name="Items">In the order in which they are appended; empty when the command changes nothing.</param>
    public sealed record Events(IReadOnlyList<TEvent> Items) : Decision<TEvent>;

    /// <param name="Reason">CamelCase, fixed set.</param>
    /// <param name="Message">For people.</param>
    public sealed record Refused(string Reason, string Message) : Decision<TEvent>;

    public static Decision<TEvent> Of(params TEvent[] events) => new Events(events);

    public static Decision<TEvent> Nothing { get; } = new Events([]);

    public static Decision<TEvent> No(string reason, string message) => new Refused(reason, message);
}
