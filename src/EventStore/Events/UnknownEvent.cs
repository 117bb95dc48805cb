namespace Framelease.EventStore;

/// <summary>
/// Stands in <see cref="EventEnvelope.Data"/> for an event that this program cannot read: a name it does not declare, a version newer than
/// it knows, or data that does not fit. A view ignores it; a decider must refuse (R8: it is an older program than the log).
/// </summary>
/// <param name="TypeName">The declared name in the log.</param>
/// <param name="Version">The version of its data.</param>
/// <param name="Reason">Why it could not be read.</param>
public sealed record UnknownEvent(string TypeName, int Version, string Reason);
