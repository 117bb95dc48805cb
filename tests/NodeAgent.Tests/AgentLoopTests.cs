using System.Threading.Channels;
using Framelease.Devices;
using Framelease.NodeAgent.Asking;
using Framelease.NodeAgent.Looking;
using Framelease.NodeAgent.Tests.Support;
using Framelease.WorkerProtocol;

namespace Framelease.NodeAgent.Tests;

/// <summary>The loop between a scripted operator and a scripted /proc.</summary>
public sealed class AgentLoopTests : IDisposable
{
    const string Pod = "0b6c1d0e-9a8b-4c7d-8e6f-5a4b3c2d1e0f";
    static readonly QuarantinedSlot Lost = new("GPU-a", "Gpu", 0, 7, "lease-1", "HeartbeatLost", Pod);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly ProcTree _proc = new();
    readonly ScriptedOperator _operator = new();
    readonly ScriptedDevices _devices = new();
    readonly Channel<string> _said = Channel.CreateUnbounded<string>();
    readonly CancellationTokenSource _stop = new();
    Task _running = Task.CompletedTask;

    public void Dispose()
    {
        _stop.Cancel();
        _running.Wait(Patience).ShouldBeTrue("it ends when it is told to");
        _stop.Dispose();
        _proc.Dispose();
    }

    [Fact]
    public async Task A_holder_that_two_looks_do_not_find_is_proven_gone()
    {
        Start();
        await _operator.TellAsync(Lost);
        var proof = await _operator.Proofs.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        (proof.Device, proof.Slot, proof.Token, proof.LeaseUid).ShouldBe(("GPU-a", 0, 7L, "lease-1"));
        proof.Evidence.ShouldBe($"two looks 300 ms apart, at 0 processes: none is in a cgroup of pod {Pod}; the device lists no process");
        (await SaidAsync()).ShouldStartWith("slot GPU-a#0 is free: two looks");
    }

    [Fact]
    public async Task While_something_of_it_lives_nothing_is_proven_and_afterwards_it_is()
    {
        _proc.Add(70, "ffmpeg", cgroup: $"0::/kubepods/pod{Pod}/c");
        Start();
        await _operator.TellAsync(Lost);
        (await SaidAsync()).ShouldContain("stays in quarantine: process 70 (ffmpeg), in a cgroup of pod");
        _operator.Proofs.Reader.Count.ShouldBe(0);
        Directory.Delete(Path.Combine(_proc.Root, "70"), recursive: true);
        await _operator.Proofs.Reader.ReadAsync().AsTask().WaitAsync(Patience);
    }

    [Fact]
    public async Task What_the_second_look_sees_counts()
    {
        _devices.Answers.Enqueue([]);
        _devices.Answers.Enqueue([new DeviceProcess(70, 10, "ffmpeg")]);
        var loop = Loop();
        await loop.ProveAsync([Lost], _stop.Token);
        (await SaidAsync()).ShouldContain("process 70 (ffmpeg) still has memory of GPU-a");
        _operator.Proofs.Reader.Count.ShouldBe(0);
    }

    [Fact]
    public async Task An_operator_that_is_away_is_asked_again_and_told_of_once()
    {
        _operator.Failure = "connection refused";
        Start();
        (await SaidAsync()).ShouldBe("the operator does not tell this node's quarantine: connection refused; trying on");
        _operator.Failure = null;
        (await SaidAsync()).ShouldBe("the operator answers again");
    }

    void Start() => _running = Loop().RunAsync(_stop.Token);

    AgentLoop Loop() => new(
        _operator, new ProcReader(_proc.Root, ProcTree.Node()), _devices, "1", line => _said.Writer.TryWrite(line), TimeProvider.System,
        new Random(1));

    Task<string> SaidAsync() => _said.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    sealed class ScriptedDevices : IDeviceReader
    {
        public Queue<IReadOnlyList<DeviceProcess>?> Answers { get; } = [];

        public Task<DeviceReading?> ReadAsync(string device, CancellationToken cancellation) => Task.FromResult<DeviceReading?>(null);

        public Task<IReadOnlyList<DeviceProcess>?> ProcessesAsync(string device, CancellationToken cancellation) =>
            Task.FromResult(Answers.Count > 0 ? Answers.Dequeue() : []);
    }

    sealed class ScriptedOperator : IOperator
    {
        readonly Channel<NodeQuarantine> _lists = Channel.CreateUnbounded<NodeQuarantine>();

        public Channel<SlotProof> Proofs { get; } = Channel.CreateUnbounded<SlotProof>();

        public volatile string? Failure;

        public ValueTask TellAsync(params QuarantinedSlot[] slots) => _lists.Writer.WriteAsync(new NodeQuarantine(slots));

        public async Task<Answer<NodeQuarantine>> QuarantineAsync(string? known, TimeSpan wait, CancellationToken cancel)
        {
            if (Failure is { } why)
                return new Answer<NodeQuarantine>.Failed(why, IsRefusal: false);
            if (known is null)
                return new Answer<NodeQuarantine>.Ok(new NodeQuarantine([]), "1");
            return new Answer<NodeQuarantine>.Ok(await _lists.Reader.ReadAsync(cancel), "2");
        }

        public Task<Answer<ProofsReply>> ProveAsync(ProofsRequest request, CancellationToken cancel)
        {
            foreach (var proof in request.Proofs)
                Proofs.Writer.TryWrite(proof);
            return Task.FromResult<Answer<ProofsReply>>(
                new Answer<ProofsReply>.Ok(new ProofsReply([.. request.Proofs.Select(_ => new ProofOutcome(true))]), null));
        }
    }
}
