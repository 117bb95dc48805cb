using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Events;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;

namespace Framelease.Kubernetes.Tests.Events;

public sealed class EventRecorderTests : IAsyncLifetime
{
    readonly ManualTimeProvider _time = new();
    readonly MemoryClient _client = new();
    readonly CancellationTokenSource _stop = new();
    readonly EventRecorder _recorder;
    readonly ConfigMap _about = new() { Metadata = new() { Name = "thing", Namespace = "ns", Uid = "u1" } };
    Task _running = Task.CompletedTask;
    byte _id;

    public EventRecorderTests() => _recorder = new(
        _client, new() { Controller = "framelease.dev/test", Instance = "replica-1" }, _time, () => new Guid(++_id, 0, 0, new byte[8]));

    public Task InitializeAsync()
    {
        _running = _recorder.RunAsync(_stop.Token);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(120));
        _stop.Dispose();
    }

    [Fact]
    public async Task An_event_says_who_did_what_to_which_object_and_why()
    {
        _recorder.Warning(_about, "SlotQuarantined", "Quarantine", "the worker is silent");
        var made = await OnlyEventAsync(e => true);
        made.Metadata.Name.ShouldBe("thing.0000000100000000");
        made.Metadata.Namespace.ShouldBe("ns");
        made.Type.ShouldBe("Warning");
        made.Reason.ShouldBe("SlotQuarantined");
        made.Action.ShouldBe("Quarantine");
        made.Note.ShouldBe("the worker is silent");
        made.ReportingController.ShouldBe("framelease.dev/test");
        made.EventTime.ShouldBe(_time.GetUtcNow());
        made.Regarding.ShouldBe(new ObjectReference { ApiVersion = "v1", Kind = "ConfigMap", Namespace = "ns", Name = "thing", Uid = "u1" });
    }

    [Fact]
    public async Task Repeats_become_a_series_with_few_writes()
    {
        for (var i = 0; i < 50; i++)
            _recorder.Normal(_about, "Beat", "Beat", "again");
        await OnlyEventAsync(e => e.Series?.Count == 2);
        _client.CountOf("patch events").ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(11));
        _recorder.Normal(_about, "Beat", "Beat", "again");
        (await OnlyEventAsync(e => e.Series?.Count > 2)).Series!.Count.ShouldBe(51);
        _client.CountOf("patch events").ShouldBe(2);
    }

    [Fact]
    public async Task After_the_window_a_repeat_is_a_new_event()
    {
        _recorder.Normal(_about, "Beat", "Beat", "again");
        await OnlyEventAsync(_ => true);
        _time.Advance(TimeSpan.FromMinutes(7));
        _recorder.Normal(_about, "Beat", "Beat", "again");
        await Eventually.True(() => All().Count == 2, "a second event");
    }

    [Fact]
    public async Task A_refused_event_is_dropped_and_the_next_one_is_recorded()
    {
        _client.NextFailure = new KubernetesException("no", new Status { Code = 403, Reason = KubernetesReasons.Forbidden });
        _recorder.Normal(_about, "First", "A", "lost");
        _recorder.Normal(_about, "Second", "A", "kept");
        (await OnlyEventAsync(_ => true)).Reason.ShouldBe("Second");
    }

    [Fact]
    public async Task A_long_note_is_cut_at_1024_bytes_between_characters()
    {
        _recorder.Normal(_about, "Long", "A", new string('ä', 2000));
        var note = (await OnlyEventAsync(_ => true)).Note!;
        System.Text.Encoding.UTF8.GetByteCount(note).ShouldBeInRange(1020, 1024);
        note.ShouldEndWith("ä…");
    }

    [Fact]
    public async Task What_still_waits_is_sent_when_the_recorder_stops()
    {
        for (var i = 0; i < 20; i++)
            _recorder.Normal(_about, $"R{i}", "A", "n");
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(120));
        All().Count.ShouldBe(20);
        _recorder.Normal(_about, "TooLate", "A", "n"); // is dropped, quietly
    }

    async Task<Event> OnlyEventAsync(Func<Event, bool> when)
    {
        await Eventually.True(() => All() is [var only] && when(only), "the event");
        return All().Single();
    }

    IReadOnlyList<Event> All() => _client.ListAsync<Event>().Result.Items;
}
