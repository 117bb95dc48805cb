using Framelease.GpuWorker.Api;
using Framelease.Kubernetes.Client;
using Framelease.Resources;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Leases;

/// <summary>Where a GpuLease is on its way to a grant: a pure function of the object.</summary>
abstract record GrantStep
{
    // Waiting longer changes nothing about these: somebody must change the lease, the pool or the tenant first.
    static readonly string[] Final =
    [
        "PoolNotFound", "TenantNotAllowed", "PriorityBoostTooHigh", "OutOfBounds", "TermsInvalid", "Unschedulable", "BindingNeedsPod",
    ];

    GrantStep()
    {
    }

    /// <param name="Text">Place and reason, for people; empty when there is nothing to say yet.</param>
    public sealed record Waiting(string Text) : GrantStep;

    public sealed record Granted(string Node, string Device, int Slot, long Token) : GrantStep;

    public sealed record Refused(string Why) : GrantStep;

    public sealed record GaveUp(string Why) : GrantStep;

    public static GrantStep Of(GpuLease lease)
    {
        var status = lease.Status;
        var why = $"{status?.Reason}: {status?.Message}";
        return status?.State switch
        {
            null => new Waiting(""), // the operator has not seen it yet
            "Granted" or "Draining" => new Granted(status.Node ?? "", status.Device ?? "", status.Slot ?? 0, status.Token ?? 0),
            "Pending" when Final.Contains(status.Reason) => new Refused(why),
            "Pending" => new Waiting(why),
            "GaveUp" => new GaveUp(why),
            var ended => new Refused($"the lease is {ended} already ({why})"),
        };
    }
}

/// <summary>
/// Follows a lease until it is granted or will not be: by a request to the operator, which is answered at the very grant, and by a watch of the
/// object, which also says why it waits and needs no operator. Neither polls; either may be away for a while.
/// </summary>
sealed class GrantWait(IKubernetesClient client, IHolderApi api, LeaseSay say, TimeProvider time)
{
    static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(300);
    static readonly TimeSpan OperatorAway = TimeSpan.FromSeconds(3);

    string? _said;

    /// <returns>Never <see cref="GrantStep.Waiting"/>.</returns>
    public async Task<GrantStep> RunAsync(GpuLease lease, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var (watched, asked) = (WatchAsync(lease, over.Token), AskAsync(lease, over.Token));
        try
        {
            await Task.WhenAny((Task)watched, asked);
            return asked.IsCompletedSuccessfully && await asked is { } granted ? granted : await watched;
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll((Task)watched, asked).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <returns>Null when the watch has to tell: of another end than a grant, or of everything, where the operator knows no such call.</returns>
    async Task<GrantStep?> AskAsync(GpuLease lease, CancellationToken ct)
    {
        var request = new HolderWaitRequest(lease.Metadata.Namespace!, lease.Metadata.Uid!);
        while (true)
        {
            switch (await api.WaitAsync(request, ct))
            {
                case ApiAnswer<HolderWaitReply>.Ok({ Waits: true }):
                    break;
                case ApiAnswer<HolderWaitReply>.Ok({ Node: { } node, Device: { } device, Slot: { } slot, Token: { } token }):
                    return new GrantStep.Granted(node, device, slot, token);
                case ApiAnswer<HolderWaitReply>.Later later:
                    await Task.Delay(later.After ?? OperatorAway, time, ct);
                    break;
                default:
                    return null;
            }
        }
    }

    async Task<GrantStep> WatchAsync(GpuLease lease, CancellationToken ct)
    {
        var (ns, name) = (lease.Metadata.Namespace!, lease.Metadata.Name!);
        while (true)
        {
            try
            {
                // From a list on, so that nothing between two looks is missed.
                var list = await client.ListAsync<GpuLease>(ns, new ListOptions { FieldSelector = $"metadata.name={name}" }, ct);
                if (list.Items.FirstOrDefault(l => l.Metadata.Uid == lease.Metadata.Uid) is not { } found)
                    return new GrantStep.GaveUp("somebody deleted the GpuLease");
                if (Step(found) is { } step)
                    return step;
                var watch = new WatchOptions { ResourceVersion = list.ResourceVersion, FieldSelector = $"metadata.name={name}" };
                await foreach (var change in client.WatchAsync<GpuLease>(ns, watch, ct))
                {
                    if (change.Type is WatchEventType.Bookmark || change.Object?.Metadata.Uid != lease.Metadata.Uid)
                        continue;
                    if (change.Type is WatchEventType.Deleted)
                        return new GrantStep.GaveUp("somebody deleted the GpuLease");
                    if (Step(change.Object!) is { } changed)
                        return changed;
                }
            }
            catch (KubernetesException error) when (error.IsTransient || error.IsGone)
            {
                await Task.Delay(Pace, time, ct);
            }
        }
    }

    GrantStep? Step(GpuLease lease)
    {
        var step = GrantStep.Of(lease);
        if (step is not GrantStep.Waiting waiting)
            return step;
        if (waiting.Text.Length > 0 && waiting.Text != _said)
            say.Note($"waiting: {waiting.Text}");
        _said = waiting.Text;
        return null;
    }
}
