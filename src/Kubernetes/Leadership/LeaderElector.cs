// Drives the election's step with the client, and the work of a leader beside it.
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Kubernetes.Leadership;

/// <summary>
/// Keeps, as a rule, one of several processes at work, by a coordination.k8s.io Lease. Only a hint (see <see cref="IEpochAuthority"/>): it
/// never compares the clocks of two machines, but a leader that is paused does not know it until it goes on.
/// </summary>
/// <param name="epochs">Who says under which epoch a new leader acts.</param>
/// <param name="random">Jitter; may be shared with other parts of this library, which take turns.</param>
public sealed class LeaderElector(
    IKubernetesClient client, LeaderElectionOptions options, IEpochAuthority epochs, TimeProvider time, Random random, ILogger? log = null)
{
    static readonly ResourceRef Leases = ResourceRef.Of<Lease>();

    /// <summary>Time for giving the Lease back when the process stops.</summary>
    static readonly TimeSpan ReleaseTimeout = TimeSpan.FromSeconds(3);

    readonly LeaderElectionOptions _options = options.Checked();
    readonly Jitter _jitter = new(random);
    readonly ILogger _log = log ?? NullLogger.Instance;
    readonly long _start = time.GetTimestamp();
    volatile bool _leads;

    /// <summary>True while our work runs.</summary>
    public bool IsLeader => _leads;

    /// <summary>
    /// Takes part until <paramref name="ct"/> is cancelled. Each time that we lead, <paramref name="lead"/> is called with our epoch; its
    /// token is cancelled when the lead is lost or the process stops. When it returns by itself (its epoch was refused, say) we step down and
    /// take part again. The Lease is given back only after the work has ended.
    /// </summary>
    /// <exception cref="Exception">What <paramref name="lead"/> or the authority threw, after the Lease was given back.</exception>
    public async Task RunAsync(Func<long, CancellationToken, Task> lead, CancellationToken ct)
    {
        ElectionState state = new ElectionState.Candidate(null);
        ElectionInput input = new ElectionInput.Woke();
        Term? term = null;
        try
        {
            while (!ct.IsCancellationRequested)
            {
                (state, var action) = Election.Step(state, input, Now, _options);
                if (state is ElectionState.Leader && term is null)
                    term = new(lead, epochs, _options.Identity, On);
                if (term is not null && state is not ElectionState.Leader)
                {
                    Log.LeadLost(_log, _options.Name, _options.Identity);
                    var ended = term;
                    term = null;
                    await ended.EndAsync();
                }

                if (term is { Work.IsCompleted: true })
                {
                    var (ended, held) = (term, state);
                    (term, state, input) = (null, new ElectionState.Candidate(null), new ElectionInput.Failed());
                    await ReleaseAsync(held);
                    await ended.EndAsync();
                    continue;
                }

                input = await DoAsync(action, state, term, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // stopping
        }
        finally
        {
            try
            {
                if (term is not null)
                    await term.EndAsync();
            }
            finally
            {
                await ReleaseAsync(state);
            }
        }
    }

    TimeSpan Now => time.GetElapsedTime(_start);

    async Task<ElectionInput> DoAsync(ElectionAction action, ElectionState state, Term? term, CancellationToken ct)
    {
        if (action is ElectionAction.Wait wait)
        {
            var pause = wait.Jitter ? wait.For * (1 + (_jitter.Next() / 5)) : wait.For;
            if (state is ElectionState.Leader { RenewedAt: var at } && at + _options.RenewDeadline - Now is var left && left < pause)
                pause = left > TimeSpan.Zero ? left : TimeSpan.Zero; // this thread itself may have been held up
            using var early = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var delay = Task.Delay(pause, time, early.Token);
            await Task.WhenAny(delay, term?.Work ?? delay);
            early.Cancel(); // here and now: nothing listens but the delay
            ct.ThrowIfCancellationRequested();
            return new ElectionInput.Woke();
        }

        // A leader must know in time that it does not get through, even if the server just hangs.
        var since = state is ElectionState.Leader { RenewedAt: var renewed } ? renewed : Now;
        var patience = since + _options.RenewDeadline - Now;
        using var deadline = new CancellationTokenSource(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            var sent = Now;
            return action switch
            {
                ElectionAction.Read => new ElectionInput.Found(
                    await client.FindAsync<Lease>(Leases, _options.Name, _options.Namespace, linked.Token)),
                ElectionAction.Create => new ElectionInput.Wrote(await CreateAsync(linked.Token), sent),
                ElectionAction.Hold hold => new ElectionInput.Wrote(
                    await WriteAsync(hold.Lease, Election.Held(hold.Lease, time.GetUtcNow(), _options), linked.Token), sent),
                _ => throw new InvalidOperationException($"unknown action {action}"),
            };
        }
        catch (KubernetesException error) when (error.IsConflict || error.IsAlreadyExists || error.IsNotFound)
        {
            return new ElectionInput.Beaten();
        }
        catch (KubernetesException error)
        {
            Log.ElectionFailed(_log, _options.Name, error.Message);
            return new ElectionInput.Failed();
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            Log.ElectionFailed(_log, _options.Name, "no answer in time");
            return new ElectionInput.Failed();
        }
    }

    Task<Lease> CreateAsync(CancellationToken ct) => client.CreateAsync(
        new Lease
        {
            Metadata = new() { Name = _options.Name, Namespace = _options.Namespace },
            Spec = Election.Held(null, time.GetUtcNow(), _options),
        }, ct);

    Task<Lease> WriteAsync(Lease lease, LeaseSpec spec, CancellationToken ct)
    {
        var patch = Patch.Merge(new JsonObject { ["spec"] = client.ToNode(spec) }).IfVersion(lease.Metadata.ResourceVersion);
        return client.PatchAsync<Lease>(Leases, _options.Name, _options.Namespace, patch, null, null, ct);
    }

    /// <summary>Nobody has to wait for a leader that leaves in good order. Best effort: else it expires.</summary>
    async Task ReleaseAsync(ElectionState state)
    {
        if (state is not ElectionState.Leader { Own: var own } || Now - ((ElectionState.Leader)state).RenewedAt >= _options.RenewDeadline)
            return;
        using var deadline = new CancellationTokenSource(ReleaseTimeout, time);
        try
        {
            var free = own.Spec! with { HolderIdentity = "", LeaseDurationSeconds = 1, RenewTime = time.GetUtcNow() };
            await WriteAsync(own, free, deadline.Token);
            Log.LeadReleased(_log, _options.Name, _options.Identity);
        }
        catch (Exception error) when (error is KubernetesException or OperationCanceledException)
        {
            Log.ElectionFailed(_log, _options.Name, error.Message);
        }
    }

    void On(long? epoch)
    {
        _leads = epoch is not null;
        KubernetesMetrics.Leads(_options.Name, epoch is not null);
        if (epoch is { } number)
            Log.LeadTaken(_log, _options.Name, _options.Identity, number);
    }
}
