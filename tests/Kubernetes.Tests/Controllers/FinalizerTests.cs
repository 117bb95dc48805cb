// Finalizers with a deadline: what is told, when, and what is let go.
using System.Diagnostics.Metrics;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Framelease.Kubernetes.Watching;
using StoreInput = Framelease.Kubernetes.Watching.StoreInput<Framelease.Kubernetes.Models.Pod>;

namespace Framelease.Kubernetes.Tests.Controllers;

public sealed class FinalizerTests : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10), Again = TimeSpan.FromSeconds(30);

    readonly string _name = $"tests/{Guid.NewGuid():N}"; // metrics are of the process, and tests run side by side
    readonly ManualTimeProvider _time = new();
    readonly MemoryClient _client = new();
    readonly Store<Pod> _store = new("pods");
    readonly Finalizer<Pod> _finalizer;
    CleanUp _cleanUp = CleanUp.Waiting("the disk to be empty", Again);
    int _calls;

    public FinalizerTests() => _finalizer = new(
        _client, _store,
        new()
        {
            Name = _name,
            Deadline = Deadline,
            FindCondition = pod => pod.Status?.Conditions?.FirstOrDefault(c => c.Type == Finalizer<Pod>.BlockedCondition) is { } c
                ? new(c.Type, c.Status, c.Reason!, c.Message!, c.LastTransitionTime!.Value, pod.Metadata.Generation)
                : null,
            WriteConditionAsync = (pod, c, ct) => _client.PatchStatusAsync(
                pod,
                pod with
                {
                    Status = new()
                    {
                        Conditions = [new() { Type = c.Type, Status = c.Status, Reason = c.Reason, Message = c.Message, LastTransitionTime = c.LastTransitionTime }],
                    },
                },
                ct: ct),
        },
        _time);

    public void Dispose() => _finalizer.Dispose();

    [Fact]
    public async Task A_complete_clean_up_lets_the_object_go()
    {
        _cleanUp = CleanUp.Complete;
        (await RunAsync(await DeletedAsync())).ShouldBe(ReconcileResult.Done);
        (await PodAsync()).Metadata.Finalizers.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_object_without_the_finalizer_is_not_cleaned_up()
    {
        (await RunAsync(new() { Metadata = new() { Name = "p", Namespace = "ns", DeletionTimestamp = _time.GetUtcNow() } })).ShouldBe(ReconcileResult.Done);
        _calls.ShouldBe(0);
    }

    [Fact]
    public async Task Before_the_deadline_nobody_is_bothered_and_the_deadline_is_not_slept_through()
    {
        var pod = await DeletedAsync();
        (await RunAsync(pod)).ShouldBe(ReconcileResult.After(Again));
        _time.Advance(Deadline - TimeSpan.FromSeconds(5));
        (await RunAsync(pod)).ShouldBe(ReconcileResult.After(TimeSpan.FromSeconds(5)));
        (await PodAsync()).Status.ShouldBeNull();
        Overdue().ShouldBe(0);
    }

    [Fact]
    public async Task At_the_deadline_the_condition_says_what_is_waited_for_and_how_to_give_up()
    {
        var pod = await DeletedAsync();
        _time.Advance(Deadline);
        (await RunAsync(pod)).ShouldBe(ReconcileResult.After(Again));
        var told = await PodAsync();
        told.Metadata.Finalizers.ShouldBe([_name]);
        var condition = told.Status!.Conditions!.Single();
        (condition.Type, condition.Status, condition.Reason).ShouldBe(("DeletionBlocked", "True", "CleanUpIncomplete"));
        condition.Message!.ShouldContain("the disk to be empty");
        condition.Message!.ShouldContain("deadline 10 min");
        condition.Message!.ShouldContain("remove the finalizer by hand");
        Overdue().ShouldBe(1);
    }

    [Fact]
    public async Task A_condition_that_says_the_same_is_not_written_again()
    {
        var pod = await DeletedAsync();
        _time.Advance(Deadline);
        await RunAsync(pod);
        _time.Advance(Deadline);
        await RunAsync(await PodAsync());
        _client.CountOf("patch pods").ShouldBe(1);
    }

    [Fact]
    public async Task What_may_be_let_go_goes_at_the_deadline()
    {
        _cleanUp = CleanUp.Waiting("a cache that expires anyway", Again, mayLetGo: true);
        var pod = await DeletedAsync();
        await RunAsync(pod);
        (await PodAsync()).Metadata.Finalizers.ShouldBe([_name]);
        _time.Advance(Deadline);
        (await RunAsync(pod)).ShouldBe(ReconcileResult.Done);
        (await PodAsync()).Metadata.Finalizers.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_clean_up_that_fails_is_tried_again_and_never_let_go()
    {
        var pod = await DeletedAsync();
        var failure = new IOException("the store is down");
        (await RunAsync(pod, failure)).ShouldBe(ReconcileResult.Retry(failure));
        (await PodAsync()).Status.ShouldBeNull("its time is not up");
        _time.Advance(Deadline);
        (await RunAsync(pod, failure)).ShouldBe(ReconcileResult.Retry(failure));
        var told = await PodAsync();
        told.Metadata.Finalizers.ShouldBe([_name]);
        told.Status!.Conditions!.Single().Reason.ShouldBe("CleanUpFailing");
        told.Status.Conditions!.Single().Message!.ShouldContain("the store is down");
    }

    [Fact]
    public async Task A_clean_up_that_hangs_is_cancelled_and_told_of_as_one_that_fails()
    {
        var pod = await DeletedAsync();
        _time.Advance(Deadline);
        var running = _finalizer.RunAsync(
            pod,
            async ct =>
            {
                await Task.Delay(Timeout.Infinite, ct);
                return CleanUp.Complete;
            },
            default);
        _time.Advance(TimeSpan.FromMinutes(1));
        (await running).ShouldBeOfType<ReconcileResult.Failed>().Error.ShouldBeOfType<TimeoutException>();
        (await PodAsync()).Status!.Conditions!.Single().Message!.ShouldContain("the clean-up took longer than 60 s");
    }

    [Fact]
    public async Task A_condition_that_can_not_be_written_does_not_end_the_clean_up()
    {
        var pod = await DeletedAsync();
        _time.Advance(Deadline);
        _client.NextFailure = KubernetesException.Local(KubernetesReasons.Unreachable, "gone", null);
        (await RunAsync(pod)).ShouldBe(ReconcileResult.After(Again));
        (await RunAsync(pod)).ShouldBe(ReconcileResult.After(Again));
        (await PodAsync()).Status!.Conditions!.Single().Status.ShouldBe("True");
    }

    [Fact]
    public async Task When_somebody_elses_finalizer_still_holds_the_object_ours_says_that_it_is_done()
    {
        var pod = await DeletedAsync(also: "other/x");
        _time.Advance(Deadline);
        await RunAsync(pod);
        _cleanUp = CleanUp.Complete;
        await RunAsync(await PodAsync());
        var held = await PodAsync();
        held.Metadata.Finalizers.ShouldBe(["other/x"]);
        held.Status!.Conditions!.Single().Status.ShouldBe("False");
        Overdue().ShouldBe(0);
    }

    [Fact]
    public async Task The_gauge_forgets_what_is_gone_and_ends_with_the_finalizer()
    {
        await DeletedAsync();
        _time.Advance(Deadline);
        Overdue().ShouldBe(1);
        _store.Write(new StoreInput.Page([], First: true, Last: true));
        Overdue().ShouldBe(0);
        _finalizer.Dispose();
        Overdue().ShouldBeNull();
    }

    Task<ReconcileResult> RunAsync(Pod pod, Exception? failure = null) => _finalizer.RunAsync(
        pod,
        _ =>
        {
            _calls++;
            return failure is null ? Task.FromResult(_cleanUp) : Task.FromException<CleanUp>(failure);
        },
        default);

    async Task<Pod> DeletedAsync(string? also = null)
    {
        await _client.CreateAsync(new Pod
        {
            Metadata = new() { Name = "p", Namespace = "ns", DeletionTimestamp = _time.GetUtcNow(), Finalizers = also is null ? [_name] : [also, _name] },
        });
        return await PodAsync();
    }

    /// <summary>As the server has it, and as the store then shows it.</summary>
    async Task<Pod> PodAsync()
    {
        var pod = await _client.FindAsync<Pod>("p", "ns");
        _store.Write(new StoreInput.Page([pod!], First: true, Last: true));
        return pod!;
    }

    /// <summary>What a collector of metrics sees; null: nothing.</summary>
    int? Overdue()
    {
        int? seen = null;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == KubernetesMetrics.MeterName && instrument.Name == "kubernetes.finalizers.overdue")
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((_, value, tags, _) =>
        {
            foreach (var tag in tags)
            {
                if (tag is { Key: "finalizer" } && Equals(tag.Value, _name))
                    seen = value;
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return seen;
    }
}
