using System.Data.Common;
using Npgsql;

namespace Framelease.EventStore;

/// <summary>
/// Concurrent sessions that only append to one stream share a transaction: one round trip and one flush for all that wait. Nobody is
/// acknowledged before the commit, a refused session takes no other with it, and a session that finds nobody waiting goes alone at once.
/// </summary>
internal sealed class GroupCommit(PostgresEventStore store)
{
    /// <summary>One transaction is being flushed while the next is gathered and sent.</summary>
    const int Lanes = 2;

    const int MostSessions = 100, MostEvents = 2000;

    readonly Lock _gate = new();
    readonly LinkedList<Waiting> _waiting = [];
    readonly HashSet<string> _underWay = new(StringComparer.Ordinal);
    int _lanes;

    /// <summary>Completes after the commit, with the session's own outcome.</summary>
    /// <param name="alone">Sends the session by itself: when nobody else waits, and when its group was rolled back.</param>
    /// <exception cref="CommitOutcomeUnknownException">The connection was lost under the group.</exception>
    public async Task<CommitResult> AppendAsync(StreamAppend append, SessionMetadata metadata, Func<Task<CommitResult>> alone, CancellationToken ct)
    {
        if (TakeLane(append.Stream))
            return await GoAloneAsync(append.Stream, alone);
        var waiting = new Waiting(append, metadata, store.Time.GetTimestamp());
        if (Enqueue(waiting))
            _ = RunLaneAsync();
        try
        {
            return await OutcomeAsync(waiting, ct) ?? await alone();
        }
        finally
        {
            waiting.Finished.TrySetResult();
        }
    }

    /// <summary>Nobody waits and a lane is free: the caller goes at once, without a detour over other threads.</summary>
    bool TakeLane(string stream)
    {
        lock (_gate)
        {
            if (_lanes == Lanes || _waiting.Count > 0 || !_underWay.Add(stream))
                return false;
            _lanes++;
            return true;
        }
    }

    async Task<CommitResult> GoAloneAsync(string stream, Func<Task<CommitResult>> alone)
    {
        try
        {
            return await alone();
        }
        finally
        {
            lock (_gate)
                _underWay.Remove(stream);
            _ = RunLaneAsync(); // for those who came meanwhile
        }
    }

    /// <returns>True when a lane is to be opened for it.</returns>
    bool Enqueue(Waiting waiting)
    {
        lock (_gate)
        {
            _waiting.AddLast(waiting);
            if (_lanes == Lanes)
                return false;
            _lanes++;
            return true;
        }
    }

    // Cancelling helps as long as nothing was sent; from then on the answer is on its way.
    async Task<CommitResult?> OutcomeAsync(Waiting waiting, CancellationToken ct)
    {
        await using var cancelled = ct.UnsafeRegister(
            _ =>
            {
                bool removed;
                lock (_gate)
                    removed = _waiting.Remove(waiting);
                if (removed)
                    waiting.Outcome.TrySetCanceled(ct);
            },
            null);
        return await waiting.Outcome.Task;
    }

    async Task RunLaneAsync()
    {
        for (var isFirst = true; ; isFirst = false)
        {
            var group = new List<Waiting>();
            lock (_gate)
            {
                Gather(group);
                if (group.Count == 0)
                {
                    _lanes--;
                    return;
                }
            }

            // Whoever opens a lane is a caller, who must not become the one that works for all others.
            if (isFirst)
                await Task.Yield();
            await CommitAsync(group);
            lock (_gate)
            {
                foreach (var done in group)
                    _underWay.Remove(done.Append.Stream);
            }
        }
    }

    // A stream is in one group at a time: its next session waits for the outcome of the one before, in the order in which they came.
    void Gather(List<Waiting> group)
    {
        var events = 0;
        var later = new HashSet<string>(StringComparer.Ordinal);
        for (var node = _waiting.First; node is not null && group.Count < MostSessions && events < MostEvents;)
        {
            var next = node.Next;
            var waiting = node.Value;
            if (!later.Contains(waiting.Append.Stream) && _underWay.Add(waiting.Append.Stream))
            {
                _waiting.Remove(node);
                group.Add(waiting);
                events += waiting.Append.Count;
            }
            else
            {
                later.Add(waiting.Append.Stream);
            }

            node = next;
        }
    }

    async Task CommitAsync(List<Waiting> group)
    {
        if (group.Count == 1)
        {
            // Its own statement is cheaper; the lane is its own meanwhile, so that those who come now form a group.
            group[0].Outcome.TrySetResult(null);
            await group[0].Finished.Task;
            return;
        }

        var sent = false;
        try
        {
            await using var connection = await store.DataSource.OpenConnectionAsync(CancellationToken.None);
            await using var command = GroupStatement.Of(group, connection);
            sent = true;
            IReadOnlyList<GroupStatement.Answer> outcomes;
            try
            {
                outcomes = await GroupStatement.ExecuteAsync(command, group);
            }
            catch (PostgresException)
            {
                store.Distrust();
                throw;
            }

            for (var i = 0; i < group.Count; i++)
                Complete(group[i], outcomes[i]);
            store.Signal.Appended();
        }
        catch (Exception e) // the boundary of a lane: whatever happens, nobody of the group is left waiting, and the lane goes on
        {
            if (SqlStates.IsConnectionLost(e) || (sent && e is not DbException))
                store.DataSource.Clear();
            // Rolled back, or never sent: one of the group may be the cause, so each finds out for itself.
            foreach (var waiting in group)
            {
                if (!sent || SqlStates.IsDefinite(e))
                {
                    waiting.Outcome.TrySetResult(null);
                    continue;
                }

                store.Metrics.Failed("unknown");
                waiting.Outcome.TrySetException(CommitOutcomeUnknownException.ConnectionLost(e));
            }
        }
    }

    void Complete(Waiting waiting, GroupStatement.Answer answer)
    {
        var append = waiting.Append;
        if (answer.State.Length == 0)
        {
            store.Metrics.Committed(append.Count, store.Time.GetElapsedTime(waiting.Since));
            waiting.Outcome.TrySetResult(new CommitResult([new StreamCommit(append.Stream, answer.Version, answer.Sequences)], answer.Now));
            return;
        }

        store.Metrics.Failed(answer.State == SqlStates.Archived ? "error" : "conflict");
        waiting.Outcome.TrySetException(
            answer.State == SqlStates.Archived ? new InvalidStreamOperationException(append.Stream)
            : append.IsStart ? new ExistingStreamIdCollisionException(append.Stream, answer.Version)
            : new EventStreamUnexpectedMaxEventIdException(append.Stream, append.Expected ?? 0, answer.Version));
    }

    /// <summary>A session until its outcome is known.</summary>
    internal sealed record Waiting(StreamAppend Append, SessionMetadata Metadata, long Since)
    {
        /// <summary>Null: send it alone.</summary>
        public TaskCompletionSource<CommitResult?> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Finished { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
