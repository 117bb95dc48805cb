using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.Operator;
using Framelease.Operator.Attempts;
using Framelease.Operator.Hosting;
using Framelease.Operator.Ledger;
using Framelease.Operator.Tasks;
using Framelease.Operator.Tests;
using Framelease.Resources;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.Simulation.Tests.Ledger;
using Framelease.Simulation.Tests.World.Whole;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Simulation.Tests.Found;

/// <summary>What worlds found that set their database back (R12), each in one step.</summary>
public sealed class RestoredTaskTests
{
    static readonly TaskState State = Given.Task(Given.Accepted());

    readonly IKubernetesClient _kubernetes = new MemoryKubernetes(
        new MemoryApiServer(() => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)), new MemoryApiTests.StraightApiWay());

    readonly AttemptObjects _objects;

    readonly VideoTask _task = new()
    {
        Metadata = new ObjectMeta { Name = State.Accepted!.Name, Namespace = State.Accepted.Namespace, Uid = Given.TaskUid },
    };

    public RestoredTaskTests() =>
        _objects = new AttemptObjects(_kubernetes, new OperatorOptions { Postgres = "", ObjectRoot = "", Identity = "test" });

    [Fact]
    public async Task A_pod_of_the_attempts_name_that_was_made_under_another_grant_is_not_taken_for_its_own_and_goes()
    {
        var before = (await PodAsync(token: 7))!;
        (await PodAsync(token: 7))!.Metadata.Uid.ShouldBe(before.Metadata.Uid, "whoever died before the start was recorded finds the pod");

        (await PodAsync(token: 1_000_008)).ShouldBeNull();
        var left = await _kubernetes.GetAsync<Pod>(before.Metadata.Name!, "default", default);
        left.Metadata.DeletionTimestamp.ShouldNotBeNull();
        (await PodAsync(token: 1_000_008)).ShouldBeNull("it goes when its end is proven");
    }

    [Fact]
    public async Task A_pod_of_the_attempts_name_whose_end_was_on_record_is_not_started_anew()
    {
        var before = (await PodAsync(token: 7))!;
        await _kubernetes.ReplaceAsync(before with { Metadata = before.Metadata with { Finalizers = [] } }, default);
        (await PodAsync(token: 7)).ShouldBeNull();
    }

    [Fact]
    public async Task A_running_task_whose_object_is_gone_is_cancelled_and_one_that_only_the_watch_does_not_show_yet_is_left_alone()
    {
        var database = new MemoryDatabase(() => Given.At);
        var way = new MemoryLedgerTests.StraightWay();
        var ledger = new MemoryLedger(database, way);
        var epoch = (await new MemoryEpochs(database, way).TryAcquireAsync("controllers", "a", TimeSpan.FromMinutes(5), default))!;
        var young = await _kubernetes.CreateAsync(_task with { Metadata = new ObjectMeta { Name = "young", Namespace = "default" } });
        foreach (var (uid, name) in new[] { (young.Metadata.Uid!, "young"), (Given.TaskUid, "gone") })
        {
            var accepted = (TaskAccepted)Given.Accepted()[0] with { TaskUid = uid, Name = name };
            await ledger.CommitAsync(
                new LedgerCommit("test", [new TaskChange(uid, await ledger.LoadTaskAsync(uid, default), [accepted])], [], epoch), default);
        }

        var blind = new StoreSet(_kubernetes, TimeProvider.System, new Random(1)).Get<VideoTask>();
        var attempts = new AttemptService(ledger, new Random(1), new AttemptSignals());
        var orphans = new OrphanedTasks(ledger, _kubernetes, blind, attempts, TimeProvider.System, NullLogger.Instance);
        (await orphans.LookAsync(epoch, default)).ShouldBe(1);
        (await ledger.LoadTaskAsync(Given.TaskUid, default)).State.Phase.ShouldBe(TaskPhase.Cancelled);
        (await ledger.LoadTaskAsync(young.Metadata.Uid!, default)).State.IsEnded.ShouldBeFalse();
        (await orphans.LookAsync(epoch, default)).ShouldBe(0);
    }

    /// <summary>Seed 4100, and wherever a person strips a pod of its finalizer: no lease is silent, and no pod will tell.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_attempt_without_a_held_lease_whose_pod_is_gone_or_was_told_of_before_is_queued_again(bool isGone)
    {
        var pod = (await PodAsync(token: 7))!;
        await _kubernetes.ReplaceAsync(pod with { Metadata = pod.Metadata with { Finalizers = [] } }, default);
        if (isGone)
            await _kubernetes.DeleteAsync<Pod>(pod.Metadata.Name!, pod.Metadata.Namespace, DeleteOptions.ForUid(pod.Metadata.Uid));
        var database = new MemoryDatabase(() => Given.At);
        var way = new MemoryLedgerTests.StraightWay();
        var ledger = new MemoryLedger(database, way);
        var epoch = (await new MemoryEpochs(database, way).TryAcquireAsync("controllers", "a", TimeSpan.FromMinutes(5), default))!;
        ITaskEvent[] events =
        [
            (TaskAccepted)Given.Accepted()[0] with { NeedsLease = false }, .. Given.Accepted()[1..],
            new AttemptStarted(0, 1, pod.Metadata.Name!, pod.Metadata.Uid!, null, 0, "node-1", null),
        ];
        await ledger.CommitAsync(
            new LedgerCommit("test", [new TaskChange(Given.TaskUid, await ledger.LoadTaskAsync(Given.TaskUid, default), events)], [], epoch), default);
        var set = new StoreSet(_kubernetes, TimeProvider.System, new Random(1));
        var stores = new PlatformStores(
            set.Get<VideoTask>(), set.Get<GpuLease>(), set.Get<GpuPool>(), set.Get<Resources.Engine>(), set.Get<Tenant>(), set.Get<Node>(), set.Get<Pod>());
        var scenes = new SceneRunner(
            ledger, _kubernetes, stores, _objects, new MemoryObjects(), new AttemptSignals(), new Random(1), TimeProvider.System);

        var step = await scenes.AdvanceAsync(_task, await ledger.LoadTaskAsync(Given.TaskUid, default), epoch, default);

        step.Changed.ShouldBeTrue();
        (await ledger.LoadTaskAsync(Given.TaskUid, default)).State.Scenes[0].ShouldSatisfyAllConditions(
            s => (s.Attempt, s.Step).ShouldBe((2, SceneStep.Queued)));
    }

    Task<Pod?> PodAsync(long token) => _objects.EnsurePodAsync(
        _task, State, State.Scenes[0], PlatformObjects.Engine(), Given.LeaseUid,
        new LeaseGranted(new SlotKey("cluster", "node-1", "gpu-0", 0), "L4", "Gpu", 0, token, Given.Terms), default);
}
