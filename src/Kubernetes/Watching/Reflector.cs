// Drives the watcher's step function with the client, and its results into a store.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Models;
using Microsoft.Extensions.Logging;

namespace Framelease.Kubernetes.Watching;

/// <summary>Which part of a collection.</summary>
/// <param name="Namespace">Null: all.</param>
public sealed record Selection(string? Namespace = null, string? LabelSelector = null, string? FieldSelector = null);

/// <summary>Keeps one store equal to one collection of the server, through everything that can break. Run it once.</summary>
sealed class Reflector<T>(
    IKubernetesClient client, ResourceRef resource, Selection selection, Store<T> store, TimeProvider time, Jitter jitter, ILogger log)
    where T : class, IKubernetesObject
{
    /// <summary>As client-go: small enough for the server, large enough to be few.</summary>
    const int PageSize = 500;

    static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(100), LongestWait = TimeSpan.FromSeconds(15);

    /// <summary>Between two initial events, and before the first: servers with large collections need a moment to begin.</summary>
    static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15);

    /// <summary>Ends only when <paramref name="ct"/> is cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        WatcherState state = new WatcherState.Empty(client.CanStreamLists ? InitialList.Stream : InitialList.Pages);
        IAsyncEnumerator<WatchEvent<T>>? watch = null;
        using var silence = new Silence(time);
        var opened = 0L;
        var failures = 0;
        try
        {
            while (true)
            {
                ct.ThrowIfCancellationRequested();
                WatcherInput<T> input;
                try
                {
                    switch (state)
                    {
                        case WatcherState.Empty { By: not InitialList.Stream } empty:
                            input = new WatcherInput<T>.Page(await ListAsync(empty.By, null, ct));
                            break;
                        case WatcherState.Listing listing:
                            input = new WatcherInput<T>.Page(await ListAsync(listing.By, listing.Continue, ct));
                            break;
                        default:
                            if (watch is null)
                            {
                                opened = time.GetTimestamp();
                                watch = Watch((state as WatcherState.Listed)?.ResourceVersion, silence.Begin(ct));
                            }

                            silence.Bound(state.IsStreaming);
                            input = await watch.MoveNextAsync()
                                ? new WatcherInput<T>.Event(watch.Current)
                                : new WatcherInput<T>.Ended(time.GetElapsedTime(opened));
                            break;
                    }
                }
                catch (KubernetesException error)
                {
                    input = new WatcherInput<T>.Failed(error, watch is null ? TimeSpan.Zero : time.GetElapsedTime(opened));
                }
                catch (OperationCanceledException) when (!ct.IsCancellationRequested && silence.IsBroken)
                {
                    input = new WatcherInput<T>.Silent();
                }

                var step = Watcher.Step(state, input);
                if (step.Store is not null)
                    store.Write(step.Store);
                if (step.Store is StoreInput<T>.Page { Last: true })
                    Log.Listed(log, resource.ToString(), store.Count, step.Next);
                if (watch is not null && input is not WatcherInput<T>.Event)
                {
                    await watch.DisposeAsync();
                    watch = null;
                }

                failures = step.Pause switch
                {
                    WatcherPause.Healthy => 0,
                    WatcherPause.Backoff => failures + 1,
                    WatcherPause.FreshBackoff => 1,
                    _ => failures,
                };
                if (step.Pause is WatcherPause.Backoff or WatcherPause.FreshBackoff)
                    await PauseAsync(state, input, step.AtLeast, failures, ct);
                state = step.Next;
            }
        }
        finally
        {
            if (watch is not null)
                await watch.DisposeAsync();
        }
    }

    async Task PauseAsync(WatcherState state, WatcherInput<T> input, TimeSpan atLeast, int failures, CancellationToken ct)
    {
        var wait = jitter.Backoff(FirstWait, LongestWait, failures);
        if (atLeast > wait)
            wait = atLeast + wait; // not all clients at the same moment
        if (input is WatcherInput<T>.Failed { Error: var error })
        {
            KubernetesMetrics.WatchFailed(resource.Plural, error.Reason);
            Log.WatchFailed(log, resource.ToString(), state.GetType().Name, wait.TotalMilliseconds, error.Message);
        }

        await Task.Delay(wait, time, ct);
    }

    Task<KubernetesList<T>> ListAsync(InitialList by, string? token, CancellationToken ct)
    {
        if (token is null)
            KubernetesMetrics.Relisted(resource.Plural);
        var options = new ListOptions
        {
            LabelSelector = selection.LabelSelector,
            FieldSelector = selection.FieldSelector,
            Limit = by == InitialList.Whole ? null : PageSize,
            Continue = token,
        };
        return client.ListAsync<T>(resource, selection.Namespace, options, ct);
    }

    /// <param name="version">Null: begin with everything.</param>
    IAsyncEnumerator<WatchEvent<T>> Watch(string? version, CancellationToken ct)
    {
        if (version is null)
            KubernetesMetrics.Relisted(resource.Plural);
        var options = new WatchOptions
        {
            LabelSelector = selection.LabelSelector,
            FieldSelector = selection.FieldSelector,
            ResourceVersion = version,
            SendInitialEvents = version is null,
            TimeoutSeconds = 300 + (int)(jitter.Next() * 300), // so that the watches of a fleet do not end together
        };
        return client.WatchAsync<T>(resource, selection.Namespace, options, ct).GetAsyncEnumerator(ct);
    }

    /// <summary>
    /// Ends a watch that should send what there is and sends nothing: an old server ignores the wish and never says that this was all.
    /// </summary>
    sealed class Silence(TimeProvider time) : IDisposable
    {
        CancellationTokenSource? _watch, _linked;
        bool _isBounded;

        public bool IsBroken => _watch is { IsCancellationRequested: true };

        public CancellationToken Begin(CancellationToken ct)
        {
            Dispose();
            _watch = new(Timeout.InfiniteTimeSpan, time);
            _linked = CancellationTokenSource.CreateLinkedTokenSource(ct, _watch.Token);
            return _linked.Token;
        }

        /// <summary>From now: a bound for the next event, or none.</summary>
        public void Bound(bool isBounded)
        {
            if (isBounded || _isBounded)
                _watch!.CancelAfter(isBounded ? LongestSilence : Timeout.InfiniteTimeSpan);
            _isBounded = isBounded;
        }

        public void Dispose()
        {
            _linked?.Dispose();
            _watch?.Dispose();
        }
    }
}
