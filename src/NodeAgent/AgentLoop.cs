using System.Globalization;
using Framelease.Devices;
using Framelease.NodeAgent.Asking;
using Framelease.NodeAgent.Judging;
using Framelease.NodeAgent.Looking;
using Framelease.WorkerProtocol;

namespace Framelease.NodeAgent;

/// <summary>
/// Hears which slots of its node are in quarantine, looks for their holders, and proves those gone whom two looks did not find. It never
/// ends anything. Idle, it waits for one request.
/// </summary>
/// <param name="say">Takes one line for people.</param>
sealed class AgentLoop(
    IOperator api, IProcesses processes, IDeviceReader devices, string version, Action<string> say, TimeProvider time, Random chance)
{
    /// <summary>Between the two looks: longer than a process is without environment while it begins.</summary>
    static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(300);

    static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(500), LongestPause = TimeSpan.FromSeconds(10);
    static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(10), Wait = TimeSpan.FromSeconds(NodeQuarantine.LongestWaitSeconds);

    readonly Lock _gate = new();
    readonly Dictionary<(string Lease, long Token), string> _said = [];
    IReadOnlyList<QuarantinedSlot> _slots = [];
    TaskCompletionSource<bool> _news = New();

    /// <summary>Until cancelled. Never throws for what the operator or the machine do.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            // Each ends by cancellation alone; whichever fails otherwise must not leave the other waiting for ever.
            using var both = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Task[] loops = [HearAsync(both.Token), ProveAsync(both.Token)];
            await Task.WhenAny(loops);
            await both.CancelAsync();
            await Task.WhenAll(loops);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // how it ends
        }
    }

    async Task HearAsync(CancellationToken stop)
    {
        string? known = null;
        var failures = 0;
        string? trouble = null;
        while (true)
        {
            switch (await api.QuarantineAsync(known, Wait, stop))
            {
                case Answer<NodeQuarantine>.Ok ok:
                    (known, failures) = (ok.Tag, 0);
                    Heard(ok.Value.Slots ?? []);
                    break;
                case Answer<NodeQuarantine>.Unchanged:
                    failures = 0;
                    break;
                case Answer<NodeQuarantine>.Failed failed:
                    if (failed.Why != trouble)
                        say($"the operator does not tell this node's quarantine: {failed.Why}; trying on");
                    trouble = failed.Why;
                    await Task.Delay(Backoff(failed.IsRefusal ? 10 : failures++), time, stop);
                    continue;
            }

            if (trouble is not null)
                say("the operator answers again");
            trouble = null;
            // A server without ETags, or one that answers at once for another reason, is not to be asked in a circle.
            await Task.Delay(ShortestPause / 10, time, stop);
        }
    }

    void Heard(IReadOnlyList<QuarantinedSlot> slots)
    {
        lock (_gate)
        {
            _slots = slots;
            _news.TrySetResult(true);
            _news = New();
        }
    }

    async Task ProveAsync(CancellationToken stop)
    {
        var pause = ShortestPause;
        while (true)
        {
            TaskCompletionSource<bool> news;
            IReadOnlyList<QuarantinedSlot> slots;
            lock (_gate)
                (news, slots) = (_news, _slots);
            if (slots.Count > 0)
                await ProveAsync(slots, stop);
            var isNews = await NewsAsync(news, slots.Count > 0 ? pause : Timeout.InfiniteTimeSpan, stop);
            pause = isNews ? ShortestPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <returns>False when there was none for so long.</returns>
    async Task<bool> NewsAsync(TaskCompletionSource<bool> news, TimeSpan most, CancellationToken stop)
    {
        // Awaited by itself, and so on this loop's own scheduler: WhenAny and WaitAsync would hear of it on the thread pool.
        await using var timer = time.CreateTimer(
            static news => ((TaskCompletionSource<bool>)news!).TrySetResult(false), news, most, Timeout.InfiniteTimeSpan);
        await using var end = stop.UnsafeRegister(
            static (news, token) => ((TaskCompletionSource<bool>)news!).TrySetCanceled(token), news);
        var isNews = await news.Task;
        lock (_gate)
            _news = _news == news ? New() : _news;
        return isNews;
    }

    /// <summary>Two looks, and a proof for each slot whose holder neither found.</summary>
    internal async Task ProveAsync(IReadOnlyList<QuarantinedSlot> slots, CancellationToken stop)
    {
        var (left, _) = await LookAsync(slots, stop);
        if (left.Count == 0)
            return;
        await Task.Delay(BetweenLooks, time, stop);
        (left, var seen) = await LookAsync([.. left.Select(l => l.Slot)], stop);
        foreach (var some in left.Chunk(ProofsRequest.MostProofs))
        {
            var proofs = some.Select(l => new SlotProof(l.Slot.Device, l.Slot.Slot, l.Slot.Token, l.Slot.LeaseUid, Evidence(l.What, seen)));
            await SendAsync([.. proofs], stop);
        }
    }

    async Task<(IReadOnlyList<(QuarantinedSlot Slot, string What)> Gone, int Seen)> LookAsync(
        IReadOnlyList<QuarantinedSlot> slots, CancellationToken stop)
    {
        var look = processes.Look();
        var gone = new List<(QuarantinedSlot, string)>();
        foreach (var slot in slots)
        {
            var sighting = HolderJudge.Processes(slot, look, processes.From);
            if (sighting is Sighting.Gone { What: var processesGone } && slot.DeviceKind == "Gpu")
            {
                sighting = HolderJudge.Device(slot, await devices.ProcessesAsync(slot.Device, stop), look);
                if (sighting is Sighting.Gone { What: var deviceClean })
                    sighting = new Sighting.Gone($"{processesGone}; {deviceClean}");
            }

            if (sighting is Sighting.Gone { What: var what })
                gone.Add((slot, what));
            else
                Doubt(slot, sighting.Doubt!);
        }

        return (gone, look.Processes.Count);
    }

    // Once for each slot and reason.
    void Doubt(QuarantinedSlot slot, string why)
    {
        var key = (slot.LeaseUid, slot.Token);
        if (_said.Count > 10_000)
            _said.Clear();
        if (_said.GetValueOrDefault(key) == why)
            return;
        _said[key] = why;
        say($"slot {slot.Device}#{slot.Slot} (lease {slot.LeaseUid}, token {slot.Token}) stays in quarantine: {why}");
    }

    async Task SendAsync(IReadOnlyList<SlotProof> proofs, CancellationToken stop)
    {
        switch (await api.ProveAsync(new ProofsRequest(version, proofs), stop))
        {
            case Answer<ProofsReply>.Ok { Value.Outcomes: { } outcomes } when outcomes.Count == proofs.Count:
                foreach (var (proof, outcome) in proofs.Zip(outcomes))
                {
                    say(outcome.Freed
                        ? $"slot {proof.Device}#{proof.Slot} is free: {proof.Evidence}"
                        : $"the proof for slot {proof.Device}#{proof.Slot} was refused: {outcome.Reason} {outcome.Message}");
                }

                Forget(proofs.Zip(outcomes)
                    .Where(p => p.Second.Freed || p.Second.Reason is "NotQuarantined" or "StaleToken").Select(p => p.First));
                break;
            case Answer<ProofsReply>.Failed failed:
                say($"the operator did not take the proof: {failed.Why}; trying on");
                break;
        }
    }

    // The next list will not have them either; until it comes, nobody looks for them again.
    void Forget(IEnumerable<SlotProof> proofs)
    {
        var over = proofs.Select(p => (p.LeaseUid, p.Token)).ToHashSet();
        lock (_gate)
            _slots = [.. _slots.Where(s => !over.Contains((s.LeaseUid, s.Token)))];
    }

    static string Evidence(string what, int seen) => string.Create(
        CultureInfo.InvariantCulture, $"two looks {BetweenLooks.TotalMilliseconds:0} ms apart, at {seen} processes: {what}");

    TimeSpan Backoff(int failures)
    {
        var most = Math.Min(LongestRetry.TotalMilliseconds, ShortestPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 10)));
        return TimeSpan.FromMilliseconds(most * (0.5 + (chance.NextDouble() / 2)));
    }

    static TaskCompletionSource<bool> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
