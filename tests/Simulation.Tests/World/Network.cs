using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Engine;
using Framelease.Simulation.Tests.Ledger;

namespace Framelease.Simulation.Tests.World;

/// <summary>
/// The ways between processes: each call is late by a draw, may be lost before it arrives or after it was carried out, may arrive twice,
/// and cannot pass where a partition is, in either direction by itself. Whoever gets no answer hears so after a while.
/// </summary>
sealed class Network(Scheduler simulation)
{
    static readonly TimeSpan NoAnswer = TimeSpan.FromSeconds(5);

    static readonly OperationCanceledException Broken = new("the other side gave up");

    readonly HashSet<(string From, string To)> _cut = [];

    /// <summary>Of a thousand calls: lost on the way, answered in vain, carried out twice.</summary>
    public int Lost { get; set; }

    public int Deaf { get; set; }

    public int Twice { get; set; }

    /// <summary>The longest ordinary delay of one way.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>One direction; both = two cuts.</summary>
    public void Cut(string from, string to) => _cut.Add((from, to));

    public void Heal(string from, string to) => _cut.Remove((from, to));

    public bool IsOpen(string from, string to) => !_cut.Contains((from, to));

    /// <summary>Runs <paramref name="work"/> at <paramref name="to"/>, and brings its outcome to the caller.</summary>
    /// <param name="address">Of the other side, as partitions name it.</param>
    /// <param name="origin">Of the caller.</param>
    /// <param name="lost">What the caller hears when no answer comes.</param>
    /// <param name="mayRepeat">False: what the caller's side never sends again by itself.</param>
    public Task<T> CallAsync<T>(
        SimProcess from, SimProcess to, string address, string origin, Func<Task<T>> work, Func<string, Exception> lost,
        CancellationToken cancel, bool mayRepeat = true)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (cancel.IsCancellationRequested)
            return Task.FromCanceled<T>(cancel);
        if (cancel.CanBeCanceled)
            _ = cancel.UnsafeRegister(static (s, token) => ((TaskCompletionSource<T>)s!).TrySetCanceled(token), answer);
        var limit = from.PostAfter(NoAnswer, () => answer.TrySetException(lost("no answer in time")));
        var arrivals = Draw(Lost) ? 0 : mayRepeat && Draw(Twice) ? 2 : 1;
        for (var i = 0; i < arrivals; i++)
            to.PostAfter(Way(), () => Arrive(from, to, address, origin, work, answer, limit));
        return answer.Task;
    }

    void Arrive<T>(
        SimProcess from, SimProcess to, string address, string origin, Func<Task<T>> work, TaskCompletionSource<T> answer,
        IDisposable limit)
    {
        if (!IsOpen(origin, address))
            return;
        var deaf = Draw(Deaf);
        _ = to.Run(async () =>
        {
            var done = work();
            await done.ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Current);
            if (deaf || !IsOpen(address, origin))
                return;
            from.PostAfter(Way(), () =>
            {
                limit.Dispose();
                if (done.IsCompletedSuccessfully)
                    answer.TrySetResult(done.Result);
                else
                    answer.TrySetException(done.Exception?.InnerException ?? Broken);
            });
        });
    }

    /// <summary>How long one way takes this time.</summary>
    public TimeSpan Way() => Draw(20)
        ? TimeSpan.FromMilliseconds(simulation.Chance.Next(3000))
        : TimeSpan.FromTicks(1 + simulation.Chance.NextInt64(Delay.Ticks));

    bool Draw(int perMille) => perMille > 0 && simulation.Chance.Next(1000) < perMille;
}

/// <summary>The way of one operator to the database.</summary>
/// <param name="requireAuthority">False: as a start looks at a database that it may have to take over.</param>
sealed class SimWay(Network network, SimProcess from, DatabaseServer server, bool requireAuthority = true) : IDatabaseWay
{
    // Replaced, never changed: what is under way keeps those of its time.
    IReadOnlyDictionary<string, Look> _looks = new Dictionary<string, Look>(StringComparer.Ordinal);

    public Task<T> AskAsync<T>(string what, Func<T> work, CancellationToken cancel)
    {
        if (Look.Is(what))
            _looks = new Dictionary<string, Look>(_looks, StringComparer.Ordinal) { [what] = new() };
        var looks = _looks;
        return network.CallAsync(
            from, server.Process, DatabaseServer.Address, from.Name,
            () =>
            {
                try
                {
                    return Task.FromResult(server.Execute(from.Name, what, looks, requireAuthority, work));
                }
                catch (Exception e)
                {
                    return Task.FromException<T>(e);
                }
            },
            why => new LedgerUnavailableException(why, new TimeoutException(why)),
            cancel);
    }
}
