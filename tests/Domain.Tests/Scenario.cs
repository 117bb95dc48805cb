// Given (events) → when (a command) → then (events, nothing, or a refusal): the form of every decider table here.
namespace Framelease.Domain.Tests;

sealed record Scenario<TState, TCommand, TEvent>(TState State, Func<TState, TCommand, Decision<TEvent>> Decide)
{
    public Outcome<TEvent> When(TCommand command) => new(Decide(State, command));
}

sealed record Outcome<TEvent>(Decision<TEvent> Decision)
{
    public void Then(params TEvent[] events) => Decision.ShouldBeOfType<Decision<TEvent>.Events>().Items.ShouldBe(events);

    /// <summary>An idempotent repeat.</summary>
    public void ThenNothing() => Then();

    public void ThenRefused(string reason, string messagePart = "")
    {
        var refused = Decision.ShouldBeOfType<Decision<TEvent>.Refused>();
        refused.Reason.ShouldBe(reason);
        refused.Message.ShouldNotBeNullOrWhiteSpace();
        refused.Message.ShouldContain(messagePart);
    }
}
