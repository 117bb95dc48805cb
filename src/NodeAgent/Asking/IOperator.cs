using Framelease.WorkerProtocol;

namespace Framelease.NodeAgent.Asking;

/// <summary>The operator as a node's agent sees it. Calls do not throw for what the network or the operator does.</summary>
interface IOperator
{
    /// <param name="known">The list that is known already; null = none. With it, the answer comes when there is another, or after
    /// <paramref name="wait"/>.</param>
    Task<Answer<NodeQuarantine>> QuarantineAsync(string? known, TimeSpan wait, CancellationToken cancel);

    Task<Answer<ProofsReply>> ProveAsync(ProofsRequest request, CancellationToken cancel);
}

/// <summary>What became of a call.</summary>
abstract record Answer<T>
{
    Answer()
    {
    }

    /// <param name="Tag">What to say to hear of another one only.</param>
    public sealed record Ok(T Value, string? Tag) : Answer<T>;

    /// <summary>It is still what is known already.</summary>
    public sealed record Unchanged : Answer<T>;

    /// <param name="IsRefusal">The operator decided against it: the same call gets the same answer until somebody mends something.</param>
    public sealed record Failed(string Why, bool IsRefusal) : Answer<T>;
}
