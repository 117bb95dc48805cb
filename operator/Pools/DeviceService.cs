using Framelease.Domain;
using Framelease.Domain.Devices;
using Framelease.Operator.Ledger;
using Framelease.Resources;

namespace Framelease.Operator.Pools;

/// <summary>
/// Keeps the health of a pool's devices: what their nodes say, and whose time has come to be tried again. Looks at the present, so it may
/// be stopped anywhere. What probes find is recorded with the words of those who probed (AttemptService).
/// </summary>
sealed class DeviceService(ILedger ledger, ILogger logger)
{
    /// <summary>Of one commit: its transaction stays short.</summary>
    const int AtOnce = 100;

    public const int DefaultProbationSeconds = 600;

    public static RecoveryTerms TermsOf(GpuPoolSpec? pool) =>
        new(pool?.ProbationSeconds ?? DefaultProbationSeconds, pool?.AutoRecovery ?? true);

    /// <summary>Decides on every device of a pool that something is to be said of.</summary>
    /// <param name="found">With what nodes say of their devices.</param>
    /// <returns>The health of those that were ever found unfit, as it is now, and when the next goes on probation.</returns>
    public async Task<PoolHealth> KeepAsync(DeviceDiscovery.Found found, GpuPoolSpec pool, LeaderEpoch epoch, CancellationToken cancel)
    {
        var terms = TermsOf(pool);
        var known = (await ledger.ReadDevicesAsync(cancel)).ToDictionary(d => (d.State.Key.Node, d.State.Key.Device));
        var now = known.Count > 0 ? known.Values.Max(k => k.DatabaseNow) : await ledger.NowAsync(cancel);
        var changes = new List<DeviceChange>();
        foreach (var key in found.Slots.Select(s => s.Key).DistinctBy(k => (k.Node, k.Device)))
        {
            var health = known.GetValueOrDefault((key.Node, key.Device))
                ?? new Loaded<DeviceHealth>(new DeviceHealth(new DeviceKey(key.Cluster, key.Node, key.Device)), 0, now);
            var events = Decide(health, found.Unfit.GetValueOrDefault((key.Node, key.Device)), terms);
            if (events.Count == 0)
                continue;
            changes.Add(new DeviceChange(health, events));
            known[(key.Node, key.Device)] = health with { State = changes[^1].After };
        }

        foreach (var some in changes.Chunk(AtOnce))
        {
            await ledger.CommitAsync(new LedgerCommit("operator", [], [], epoch) { Devices = some }, cancel);
            foreach (var e in some.SelectMany(c => c.Events))
                Tell(e);
        }

        return new PoolHealth(
            known.ToDictionary(k => k.Key, k => k.Value.State),
            known.Values.Select(k => DeviceHealthDecider.ProbationAt(k.State, terms) - now).Where(d => d > TimeSpan.Zero).Min());
    }

    static List<IDeviceEvent> Decide(Loaded<DeviceHealth> health, string? unfit, RecoveryTerms terms)
    {
        var events = new List<IDeviceEvent>();
        var state = health.State;
        DeviceCommand[] commands = [new DeviceCommand.NodeSays(unfit, terms), new DeviceCommand.Recover(health.DatabaseNow, terms)];
        foreach (var command in commands)
        {
            foreach (var e in ((Decision<IDeviceEvent>.Events)DeviceHealthDecider.Decide(state, command)).Items)
            {
                events.Add(e);
                state = state.Evolve(e, health.DatabaseNow);
            }
        }

        return events;
    }

    void Tell(IDeviceEvent e)
    {
        switch (e)
        {
            case DeviceDegraded d:
                Log.DeviceDegraded(logger, d.Node, d.Device, d.Reason);
                break;
            case DeviceOnProbation p:
                Log.DeviceOnProbation(logger, p.Node, p.Device, p.Reason);
                break;
            case DeviceReturned r:
                Log.DeviceReturned(logger, r.Node, r.Device, r.Evidence);
                break;
        }
    }
}

/// <param name="Devices">By node and id; absent = healthy, and never found otherwise.</param>
/// <param name="NextProbation">Null when none waits for it.</param>
sealed record PoolHealth(IReadOnlyDictionary<(string Node, string Device), DeviceHealth> Devices, TimeSpan? NextProbation);
