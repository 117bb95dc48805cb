// The stores of one process: two controllers that look at pods share one watch.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Kubernetes.Watching;

/// <summary>Hands out stores and keeps them running. Ask for stores at any time; they fill once <see cref="RunAsync"/> runs.</summary>
/// <param name="random">Jitter; may be shared with other parts of this library, which take turns.</param>
public sealed class StoreSet(IKubernetesClient client, TimeProvider time, Random random, ILogger? log = null)
{
    readonly Lock _lock = new();
    readonly Dictionary<(Type, Selection), Entry> _entries = [];
    readonly List<Task> _running = [];
    readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly KeyComparer _keys = new(new Jitter(random));
    CancellationToken? _ct;

    internal TimeProvider Time => time;

    internal Jitter Jitter { get; } = new(random);

    internal ILogger Logger { get; } = log ?? NullLogger.Instance;

    /// <summary>The store of a kind; the same one for the same selection.</summary>
    public Store<T> Get<T>(Selection? selection = null)
        where T : class, IKubernetesObject
    {
        selection ??= new();
        Store<T> store;
        Reflector<T> reflector;
        CancellationToken? ct;
        lock (_lock)
        {
            if (_entries.TryGetValue((typeof(T), selection), out var known))
                return (Store<T>)known.Store;
            var resource = ResourceRef.Of<T>();
            store = new(resource.ToString(), Logger, _keys);
            reflector = new(client, resource, selection, store, time, Jitter, Logger);
            _entries[(typeof(T), selection)] = new(store, store.Ready, reflector.RunAsync);
            ct = _ct;
        }

        if (ct is { } running)
            Start(reflector.RunAsync, running);
        return store;
    }

    /// <summary>Completes when every store that was asked for has its first list.</summary>
    public async Task ReadyAsync(CancellationToken ct)
    {
        Task[] all;
        lock (_lock)
            all = [.. _entries.Values.Select(e => e.Ready)];
        foreach (var ready in all)
            await ready.OrCancelled(ct);
    }

    /// <summary>Fills all stores, also those asked for later, until <paramref name="ct"/> is cancelled; then returns.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        Entry[] entries;
        lock (_lock)
        {
            if (_ct is not null)
                throw new InvalidOperationException("a StoreSet runs once");
            _ct = ct;
            entries = [.. _entries.Values];
        }

        foreach (var entry in entries)
            Start(entry.Run, ct);
        try
        {
            await _broken.Task.OrCancelled(ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            Task[] all;
            lock (_lock)
                all = [.. _running];
            await Task.WhenAll(all);
        }
    }

    void Start(Func<CancellationToken, Task> run, CancellationToken ct)
    {
        var task = GuardAsync(run, ct);
        lock (_lock)
            _running.Add(task);
    }

    async Task GuardAsync(Func<CancellationToken, Task> run, CancellationToken ct)
    {
        try
        {
            await run(ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // the only way in which a reflector ends
        }
        catch (Exception error)
        {
            _broken.TrySetException(error); // a bug; it shall end the program, not leave a store that stands still
        }
    }

    sealed record Entry(object Store, Task Ready, Func<CancellationToken, Task> Run);
}
