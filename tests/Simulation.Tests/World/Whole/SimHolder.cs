using Framelease.Cli.Leases;
using Framelease.GpuWorker;
using Framelease.GpuWorker.Api;
using Framelease.Operator.Api;
using Framelease.Operator.WorkerApi;
using Framelease.WorkerProtocol;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>
/// A program under <c>framelease lease run</c>: holds a lease of its own by the shipped <see cref="LeaseHold"/>, on the node's machine and in
/// no pod. Some runners are killed and leave their command behind, which goes on with the device and tells nobody.
/// </summary>
sealed class SimHolder(WholeWorld world, SimPod program, string bootId, TimeSpan work, Random chance)
{
    static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan LastWordWithin = TimeSpan.FromSeconds(5);
    static readonly TimeSpan ReleaseWithin = TimeSpan.FromSeconds(15);

    readonly TimeProvider _time = program.Process!.Clock;

    public async Task RunAsync()
    {
        var api = new SimHolderApi(new ReplicaCalls(world, program.Process!, program.Node));
        var request = new HolderAttachRequest(
            "0.1.0", "default", program.LeaseUid!, $"holder-{program.Name}", bootId, Process: SimProcesses.IdentityOf(program));
        var hold = new LeaseHold(
            api, world.IsOld ? OldVersion.Of(request) : request, new SimDevices(world, program.Node), new LeaseSay(TextWriter.Null, quiet: true), _time, chance);
        if (await hold.AttachAsync(CancellationToken.None) is not ApiAnswer<HeldLease>.Ok(var held))
            return;
        world.Takes(program, held.Device);
        HoldOrder? order = null;
        using var stop = new CancellationTokenSource();
        var beating = hold.BeatAsync(o => order = o, stop.Token);
        var started = _time.GetTimestamp();
        if (world.Plan is { HasLockDelay: false, IsOutage: false } && chance.Next(4) == 0)
        {
            await Task.Delay(work * chance.NextDouble(), _time);
            world.Simulation.Say($"the runner of {program.Name} is killed");
            await stop.CancelHereAsync();
            await beating;
            await Task.Delay(work, _time);
            return;
        }

        while (order is null && _time.GetElapsedTime(started) < work)
            await Task.Delay(Tick, _time);
        if (order is HoldOrder.End end)
            await EndAsync(end.Grace * chance.NextDouble(), () => order is HoldOrder.Kill);
        program.UsesDevice = false;
        await stop.CancelHereAsync();
        await beating;
        if (order is HoldOrder.Kill)
            await hold.ReleaseAsync("killed", LastWordWithin, CancellationToken.None, isLastWord: true);
        else if (order is not HoldOrder.End { LeaseLost: true })
            await hold.ReleaseAsync("exit code 0", ReleaseWithin, CancellationToken.None);
    }

    // The command ends within its grace, sooner or later; or is killed before.
    async Task EndAsync(TimeSpan after, Func<bool> isKilled)
    {
        var asked = _time.GetTimestamp();
        while (!isKilled() && _time.GetElapsedTime(asked) < after)
            await Task.Delay(Tick, _time);
    }
}

/// <summary><c>/worker/v1/leases</c> over the simulated network.</summary>
sealed class SimHolderApi(ReplicaCalls calls) : IHolderApi
{
    /// <summary>Holders of worlds watch their lease, as where the operator knows no such call.</summary>
    public Task<ApiAnswer<HolderWaitReply>> WaitAsync(HolderWaitRequest request, CancellationToken ct) =>
        Task.FromResult<ApiAnswer<HolderWaitReply>>(new ApiAnswer<HolderWaitReply>.Refused(404, "", "not simulated"));

    public Task<ApiAnswer<HeldLease>> AttachAsync(HolderAttachRequest request, CancellationToken ct) =>
        calls.CallAsync(o => o.Holders.AttachAsync("user carol", request, CancellationToken.None), ct);

    public Task<ApiAnswer<BeatReply>> BeatAsync(string credential, HolderBeatRequest request, TimeSpan within, CancellationToken ct) =>
        calls.CallAsync(o => o.Holders.BeatAsync(Fence(o, credential), request, CancellationToken.None), ct);

    public Task<ApiAnswer<HolderReleaseReply>> ReleaseAsync(string credential, HolderReleaseRequest request, CancellationToken ct) =>
        calls.CallAsync(o => o.Holders.ReleaseAsync(Fence(o, credential), request, CancellationToken.None), ct);

    static HolderFence Fence(WholeReplica replica, string credential) =>
        replica.HolderCredential.Verify(credential) ?? throw new HttpProblem(401, "Unauthorized", "the credential is not ours");
}
