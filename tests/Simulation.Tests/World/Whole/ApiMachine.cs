using Framelease.Kubernetes.Client;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.Simulation.Tests.Engine;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>The machine that the API server runs on, with its garbage collector; it may be away, and with it every watch.</summary>
sealed class ApiMachine
{
    public const string Address = "apiserver";

    static readonly TimeSpan Collection = TimeSpan.FromSeconds(2);
    static readonly TimeSpan Bookmarks = TimeSpan.FromSeconds(60);

    readonly List<SimWatch> _watches = [];

    public ApiMachine(Scheduler simulation)
    {
        Process = simulation.Process(Address);
        Server = new MemoryApiServer(() => Process.Clock.GetUtcNow());
        Process.Clock.CreateTimer(_ => WhenUp(Server.CollectGarbage), null, Collection, Collection);
        Process.Clock.CreateTimer(_ => WhenUp(Server.SendBookmarks), null, Bookmarks, Bookmarks);
    }

    public SimProcess Process { get; }

    public MemoryApiServer Server { get; }

    public bool IsDown { get; private set; }

    public void Stop()
    {
        IsDown = true;
        foreach (var watch in _watches.ToList())
            watch.Break("the API server is shutting down");
    }

    public void Start() => IsDown = false;

    public T Execute<T>(Func<T> work) => IsDown ? throw ApiErrors.NoAnswer("the API server is shutting down") : work();

    public void Opened(SimWatch watch) => _watches.Add(watch);

    public void Closed(SimWatch watch) => _watches.Remove(watch);

    void WhenUp(Action work)
    {
        if (!IsDown)
            work();
    }
}

/// <summary>One watch over the network: what is sent arrives late and in order, or the connection breaks.</summary>
sealed class SimWatch(Network network, SimProcess reader, ApiMachine api, WatchStream stream) : IDisposable
{
    static readonly TimeSpan Noticed = TimeSpan.FromSeconds(10);

    readonly Queue<ApiChange> _underWay = new();
    long _last;

    /// <summary>The watch at the server.</summary>
    public IDisposable? Server { get; set; }

    public void Send(Scheduler simulation, ApiChange change)
    {
        if (!reader.IsAlive)
        {
            Dispose();
            return;
        }

        if (!network.IsOpen(ApiMachine.Address, reader.Name))
        {
            Break("no answer in time");
            return;
        }

        // Each arrives after the one before, whichever step the scheduler takes first.
        _underWay.Enqueue(change);
        _last = Math.Max(_last, simulation.Now + network.Way().Ticks);
        reader.PostAfter(TimeSpan.FromTicks(_last - simulation.Now), () => stream.Arrive(_underWay.Dequeue()));
    }

    /// <summary>The reader notices after a while.</summary>
    public void Break(string why)
    {
        Dispose();
        reader.PostAfter(Noticed, () => stream.Break(ApiErrors.NoAnswer(why)));
    }

    public void Dispose()
    {
        Server?.Dispose();
        Server = null;
        api.Closed(this);
    }
}

/// <summary>
/// The way of one operator to the API server. A request is not sent twice: what may be repeated is the caller's decision.
/// </summary>
sealed class SimApiWay(Scheduler simulation, Network network, SimProcess from, ApiMachine api) : IApiWay
{
    public Task<T> AskAsync<T>(string what, Func<T> work, CancellationToken cancel) => network.CallAsync(
        from, api.Process, ApiMachine.Address, from.Name,
        () =>
        {
            try
            {
                var answer = api.Execute(work);
                if (!IsQuiet(what))
                    simulation.Say($"{from.Name}: {what}");
                return Task.FromResult(answer);
            }
            catch (KubernetesException e)
            {
                return Task.FromException<T>(e);
            }
        },
        ApiErrors.NoAnswer, cancel, mayRepeat: false);

    // Looks, and the word that leaders leave all the time.
    static bool IsQuiet(string what) => what.StartsWith("get", StringComparison.Ordinal) || what.StartsWith("list", StringComparison.Ordinal)
        || what.Contains(" configmaps ", StringComparison.Ordinal);

    public async Task OpenAsync(WatchStream stream, int seconds, Func<Action<ApiChange>, IDisposable> open, CancellationToken cancel)
    {
        var watch = new SimWatch(network, from, api, stream);
        stream.Server = watch;
        await AskAsync(
            "get a watch",
            () =>
            {
                watch.Server = open(change => watch.Send(simulation, change));
                api.Opened(watch);
                return true;
            },
            cancel);
        from.PostAfter(TimeSpan.FromSeconds(seconds), stream.End);
    }
}
