using System.Runtime.CompilerServices;
using Framelease.Cli.Leases;
using Framelease.GpuWorker.Api;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.Resources;
using Framelease.WorkerProtocol;
using NSubstitute;

namespace Framelease.Cli.Tests.Leases;

/// <summary>Two ways to hear of a grant: whichever tells first, and either alone.</summary>
public sealed class GrantWaitTests
{
    static readonly HolderWaitReply Granted = new("Granted", "node-1", "GPU-a", 0, 7);

    readonly IKubernetesClient _client = Substitute.For<IKubernetesClient>();
    readonly WaitedFor _operator = new();
    readonly StringWriter _said = new();

    [Fact]
    public async Task The_operators_word_is_enough_while_the_object_shows_nothing()
    {
        Shows(new() { State = "Pending" });
        Answers(_ => new ApiAnswer<HolderWaitReply>.Ok(Granted));
        (await RunAsync()).ShouldBe(new GrantStep.Granted("node-1", "GPU-a", 0, 7));
    }

    [Fact]
    public async Task It_is_asked_again_when_its_time_was_over()
    {
        Shows(new() { State = "Pending" });
        Answers(times => new ApiAnswer<HolderWaitReply>.Ok(times < 3 ? new HolderWaitReply("Pending") : Granted));
        (await RunAsync()).ShouldBeOfType<GrantStep.Granted>();
        _operator.Asked.ShouldBe(3);
    }

    [Fact]
    public async Task An_operator_that_knows_no_such_call_leaves_it_to_the_watch()
    {
        Shows(new() { State = "Granted", Node = "node-1", Device = "GPU-a", Slot = 1, Token = 9 });
        Answers(_ => new ApiAnswer<HolderWaitReply>.Refused(404, "", "no such path"));
        (await RunAsync()).ShouldBe(new GrantStep.Granted("node-1", "GPU-a", 1, 9));
    }

    [Fact]
    public async Task What_waiting_cannot_change_is_told_by_the_watch_and_the_request_is_taken_back()
    {
        Shows(new() { State = "Pending", Reason = "PoolNotFound", Message = "there is no pool x" });
        var hung = new TaskCompletionSource<CancellationToken>();
        _operator.Answer = async (_, ct) =>
        {
            hung.SetResult(ct);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            return new ApiAnswer<HolderWaitReply>.Ok(Granted);
        };
        (await RunAsync()).ShouldBe(new GrantStep.Refused("PoolNotFound: there is no pool x"));
        (await hung.Task).IsCancellationRequested.ShouldBeTrue();
    }

    Task<GrantStep> RunAsync() => new GrantWait(_client, _operator, new LeaseSay(_said, false), TimeProvider.System)
        .RunAsync(Lease(null), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));

    void Answers(Func<int, ApiAnswer<HolderWaitReply>> answer) => _operator.Answer = (times, _) => Task.FromResult(answer(times));

    void Shows(GpuLeaseStatus status)
    {
        _client.ListAsync<GpuLease>(Arg.Any<ResourceRef>(), Arg.Any<string?>(), Arg.Any<ListOptions?>(), Arg.Any<CancellationToken>())
            .Returns(new KubernetesList<GpuLease>([Lease(status)], new ListMeta { ResourceVersion = "1" }));
        _client.WatchAsync<GpuLease>(Arg.Any<ResourceRef>(), Arg.Any<string?>(), Arg.Any<WatchOptions>(), Arg.Any<CancellationToken>())
            .Returns(call => NothingAsync(call.Arg<CancellationToken>()));
    }

    static async IAsyncEnumerable<WatchEvent<GpuLease>> NothingAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
        yield break;
    }

    static GpuLease Lease(GpuLeaseStatus? status) => new()
    {
        Metadata = new() { Name = "mine", Namespace = "default", Uid = "uid-1" }, Spec = new() { Pool = "default" }, Status = status,
    };

    sealed class WaitedFor : IHolderApi
    {
        public Func<int, CancellationToken, Task<ApiAnswer<HolderWaitReply>>> Answer { get; set; } = null!;

        public int Asked { get; private set; }

        public Task<ApiAnswer<HolderWaitReply>> WaitAsync(HolderWaitRequest request, CancellationToken ct) => Answer(++Asked, ct);

        public Task<ApiAnswer<HeldLease>> AttachAsync(HolderAttachRequest request, CancellationToken ct) => throw new NotSupportedException();

        public Task<ApiAnswer<BeatReply>> BeatAsync(string credential, HolderBeatRequest request, TimeSpan within, CancellationToken ct) =>
            throw new NotSupportedException();

        public Task<ApiAnswer<HolderReleaseReply>> ReleaseAsync(string credential, HolderReleaseRequest request, CancellationToken ct) =>
            throw new NotSupportedException();
    }
}
