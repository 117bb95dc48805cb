using System.Globalization;
using Framelease.Devices;
using Framelease.GpuWorker.Api;
using Framelease.Kubernetes.Client;
using Framelease.Resources;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Leases;

/// <summary>
/// <c>framelease lease run</c>: a lease is asked for, waited for and attached to; then the command runs under it, and at its end the lease is
/// released. Whatever happens in between, nothing uses the device without the lease, and the lease is not kept without the command.
/// </summary>
/// <param name="connect">Makes the way to the operator.</param>
/// <param name="signals">Calls with each signal's number until disposed.</param>
sealed class LeaseRun(
    IKubernetesClient client, Func<CancellationToken, Task<IHolderApi>> connect, HolderAttachRequest attach, LeaseRunOptions options,
    IDeviceReader devices, LeaseSay say, Func<Action<int>, IDisposable> signals, TimeProvider time, Random chance)
{
    static readonly TimeSpan ReleaseWithin = TimeSpan.FromSeconds(30);
    static readonly TimeSpan LastWordWithin = TimeSpan.FromSeconds(5);
    static readonly TimeSpan LeftoverGrace = TimeSpan.FromSeconds(2);
    static readonly TimeSpan LeftoversWithin = TimeSpan.FromSeconds(15);

    readonly CancellationTokenSource _abandon = new();
    readonly Lock _gate = new();
    CommandProcess? _command;
    int _signal;
    bool _leaseLost;
    bool _wasRefused;

    /// <returns>The command's exit code, or one of <see cref="LeaseExit"/>.</returns>
    public async Task<int> RunAsync(GpuLease wish)
    {
        using var heard = signals(Signalled);
        using var abandon = _abandon;
        GpuLease? lease = null;
        try
        {
            var api = await connect(_abandon.Token);
            lease = await client.CreateAsync(wish, _abandon.Token);
            say.Note($"asked pool {wish.Spec.Pool} for a device: GpuLease {lease.Metadata.Namespace}/{lease.Metadata.Name}");
            var grant = await new GrantWait(client, api, say, time).RunAsync(lease, _abandon.Token);
            if (grant is not GrantStep.Granted granted)
                return await EndUnusedAsync(lease, grant);
            say.Note(string.Create(
                CultureInfo.InvariantCulture, $"granted: {granted.Device} slot {granted.Slot} on {granted.Node}, token {granted.Token}"));
            return await HoldAsync(api, lease);
        }
        catch (OperationCanceledException) when (_signal > 0)
        {
            await DeleteAsync(lease);
            return LeaseExit.Signalled + _signal;
        }
        catch (CliException e)
        {
            await DeleteAsync(lease);
            say.Problem(e.Message);
            return e.ExitCode == ExitCodes.Failed ? LeaseExit.Unavailable : e.ExitCode;
        }
        catch (KubernetesException e)
        {
            await DeleteAsync(lease);
            say.Problem(e.Message);
            return e.IsTransient ? LeaseExit.Unavailable : LeaseExit.Refused;
        }
    }

    async Task<int> EndUnusedAsync(GpuLease lease, GrantStep step)
    {
        await DeleteAsync(lease);
        if (step is GrantStep.Refused refused)
        {
            say.Problem($"refused: {refused.Why}");
            return LeaseExit.Refused;
        }

        say.Problem($"gave up: {((GrantStep.GaveUp)step).Why}");
        return LeaseExit.GaveUp;
    }

    async Task<int> HoldAsync(IHolderApi api, GpuLease lease)
    {
        var uid = lease.Metadata.Uid!;
        var hold = new LeaseHold(
            api, attach with { Namespace = lease.Metadata.Namespace!, LeaseUid = uid }, devices, say, time, chance);
        var answer = await hold.AttachAsync(_abandon.Token);
        if (answer is ApiAnswer<HeldLease>.Refused refused)
            return await AttachRefusedAsync(refused, lease);
        var held = ((ApiAnswer<HeldLease>.Ok)answer).Value;
        CommandProcess command;
        try
        {
            command = Start(CommandEnvironment.Of(held, lease.Metadata.Namespace!, lease.Metadata.Name!), uid);
        }
        catch (Exception e) when (e is CliException or OperationCanceledException)
        {
            await hold.ReleaseAsync("nothing was run", ReleaseWithin, CancellationToken.None);
            throw;
        }

        using (command)
            return await RunCommandAsync(command, hold, lease);
    }

    async Task<int> RunCommandAsync(CommandProcess command, LeaseHold hold, GpuLease lease)
    {
        using var stop = new CancellationTokenSource();
        var beating = hold.BeatAsync(Obey, stop.Token);
        await command.Exited;
        // Of a lost lease nothing may outlive the lock delay, and the grace has been had.
        var clean = await command.EndLeftoversAsync(say, _leaseLost ? TimeSpan.Zero : LeftoverGrace, LeftoversWithin);
        await stop.CancelAsync();
        await beating;
        await command.Stopped;
        if (_leaseLost)
        {
            // Where the operator's database was restored (R12), nothing but this word tells that the device is free; else it changes nothing.
            if (clean && _wasRefused)
                await hold.ReleaseAsync("the lease was lost, and its command has ended", LastWordWithin, CancellationToken.None, isLastWord: true);
            say.Problem($"the lease was lost; kubectl describe gl {lease.Metadata.Name} -n {lease.Metadata.Namespace} tells why");
            return LeaseExit.Lost;
        }

        if (!clean)
        {
            say.Problem("what the command left behind could not be ended: the lease is not released, and its slot will wait for proof");
            return LeaseExit.NotReleased;
        }

        await hold.ReleaseAsync(string.Create(CultureInfo.InvariantCulture, $"exit code {command.ExitCode}"), ReleaseWithin, CancellationToken.None);
        await DeleteAsync(lease);
        return command.ExitCode;
    }

    async Task<int> AttachRefusedAsync(ApiAnswer<HeldLease>.Refused refused, GpuLease lease)
    {
        await DeleteAsync(lease);
        say.Problem($"attach was refused: {refused.Status} {refused.Reason}: {refused.Detail}");
        return LeaseExit.Refused;
    }

    // A signal that comes between the attach and the start must not be lost: it is looked at under the same lock under which it is noted.
    CommandProcess Start(IReadOnlyDictionary<string, string> environment, string uid)
    {
        lock (_gate)
        {
            _abandon.Token.ThrowIfCancellationRequested();
            return _command = CommandProcess.Start(options.Command, environment, uid, time);
        }
    }

    void Signalled(int number)
    {
        lock (_gate)
        {
            if (_command is null)
            {
                _signal = number;
                _abandon.Cancel();
            }
            else if (!SignalSource.ReachedTheCommand(number))
            {
                _command.Signal(number);
            }
        }
    }

    void Obey(HoldOrder order)
    {
        switch (order)
        {
            case HoldOrder.End end:
                say.Problem($"asked to end within {end.Grace.TotalSeconds:0} s: {end.Why}");
                _leaseLost |= end.LeaseLost;
                _ = _command!.StopAsync(end.Grace);
                break;
            case HoldOrder.Kill kill:
                say.Problem($"the lease is lost: {kill.Why}; the command is killed");
                _leaseLost = _wasRefused = true;
                _command!.Kill();
                break;
        }
    }

    Task DeleteAsync(GpuLease? lease) =>
        lease is null ? Task.CompletedTask : LeaseObject.DeleteAsync(client, lease, say, CancellationToken.None);
}
