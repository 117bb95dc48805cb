// The watcher's step function, without HTTP, time or threads.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Input = Framelease.Kubernetes.Watching.WatcherInput<Framelease.Kubernetes.Models.ConfigMap>;
using Step = Framelease.Kubernetes.Watching.WatcherStep<Framelease.Kubernetes.Models.ConfigMap>;
using StoreInput = Framelease.Kubernetes.Watching.StoreInput<Framelease.Kubernetes.Models.ConfigMap>;

namespace Framelease.Kubernetes.Tests.Watching;

public sealed class WatcherStepTests
{
    static readonly WatcherState Stream = new WatcherState.Empty(InitialList.Stream);

    static readonly WatcherState Empty = new WatcherState.Empty(InitialList.Pages), Listing = new WatcherState.Listing("t"), Listed = new WatcherState.Listed("5"),
        Watching = new WatcherState.Watching("7");

    [Fact]
    public void The_only_page_swaps_the_store_and_is_followed_by_a_watch()
    {
        var step = Next(Empty, Page("5", null));
        step.Next.ShouldBe(new WatcherState.Listed("5"));
        step.Store.ShouldBeOfType<StoreInput.Page>().ShouldSatisfyAllConditions(p => p.First.ShouldBeTrue(), p => p.Last.ShouldBeTrue());
    }

    [Fact]
    public void Pages_go_on_by_their_token_and_only_the_last_one_ends_the_list()
    {
        var first = Next(Empty, Page("5", "t"));
        first.Next.ShouldBe(Listing);
        first.Store.ShouldBeOfType<StoreInput.Page>().Last.ShouldBeFalse();
        var last = Next(Listing, Page("5", null));
        last.Next.ShouldBe(Listed);
        last.Store.ShouldBeOfType<StoreInput.Page>().ShouldSatisfyAllConditions(p => p.First.ShouldBeFalse(), p => p.Last.ShouldBeTrue());
    }

    [Fact]
    public void A_stream_gathers_what_there_is_and_its_mark_swaps_the_store()
    {
        var first = Next(Stream, Change(WatchEventType.Added, "3"));
        first.Next.ShouldBe(new WatcherState.Streaming());
        first.Store.ShouldBeOfType<StoreInput.Page>().ShouldSatisfyAllConditions(p => p.First.ShouldBeTrue(), p => p.Last.ShouldBeFalse());
        Next(first.Next, Change(WatchEventType.Deleted, "4")).Store.ShouldBeOfType<StoreInput.Unlist>();
        Next(first.Next, new Input.Event(new(WatchEventType.Bookmark, null, "5"))).ShouldBe(new(first.Next, null, WatcherPause.None));
        var end = Next(first.Next, Mark("9"));
        end.Next.ShouldBe(new WatcherState.Watching("9", InitialList.Stream));
        end.Store.ShouldBeOfType<StoreInput.Page>().ShouldSatisfyAllConditions(p => p.First.ShouldBeFalse(), p => p.Last.ShouldBeTrue());
    }

    [Fact]
    public void A_new_stream_forgets_what_a_broken_one_gathered_whatever_comes_first()
    {
        foreach (var input in new[] { Change(WatchEventType.Deleted, "4"), new Input.Event(new(WatchEventType.Bookmark, null, "5")), Mark("9") })
            Next(Stream, input).Store.ShouldBeOfType<StoreInput.Page>().First.ShouldBeTrue();
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(422)]
    public void A_server_that_refuses_to_stream_is_asked_for_pages_at_once_and_from_then_on(int code)
    {
        var refused = Next(Stream, Failed(code));
        refused.ShouldBe(new(Empty, null, WatcherPause.None));
        var listed = Next(refused.Next, Page("5", null)).Next;
        Next(listed, Failed(410)).Next.ShouldBe(Empty);
    }

    [Fact]
    public void A_server_that_ignores_the_wish_to_stream_is_asked_for_pages()
    {
        Next(Stream, new Input.Silent()).Next.ShouldBe(Empty);
        Next(new WatcherState.Streaming(), new Input.Ended(TimeSpan.FromMinutes(5))).Next.ShouldBe(Empty);
    }

    [Fact]
    public void A_stream_that_breaks_begins_again_and_so_does_a_stream_that_was_compacted_later()
    {
        Next(new WatcherState.Streaming(), Failed(0)).ShouldBe(new(Stream, null, WatcherPause.Backoff));
        Next(new WatcherState.Watching("9", InitialList.Stream), Failed(410)).Next.ShouldBe(Stream);
    }

    [Fact]
    public void An_event_moves_the_version_and_makes_the_next_failure_a_first_one()
    {
        var step = Next(Listed, Change(WatchEventType.Modified, "6"));
        step.Next.ShouldBe(new WatcherState.Watching("6"));
        step.Store.ShouldBeOfType<StoreInput.Apply>();
        step.Pause.ShouldBe(WatcherPause.Healthy);
        Next(Watching, Change(WatchEventType.Deleted, "8")).Store.ShouldBeOfType<StoreInput.Delete>();
    }

    [Fact]
    public void A_bookmark_moves_the_version_and_touches_no_object()
    {
        var step = Next(Watching, new Input.Event(new(WatchEventType.Bookmark, null, "90")));
        step.Next.ShouldBe(new WatcherState.Watching("90"));
        step.Store.ShouldBeNull();
    }

    [Theory]
    [InlineData("3", "7")] // a repeat after a resume
    [InlineData("12", "12")] // compared as numbers, not as text
    [InlineData("opaque", "opaque")] // a server with other versions decides itself
    public void The_point_of_resume_does_not_go_back(string version, string expected) =>
        Next(Watching, Change(WatchEventType.Modified, version)).Next.ShouldBe(new WatcherState.Watching(expected));

    [Fact]
    public void A_watch_that_ended_after_work_is_opened_again_at_once()
    {
        var step = Next(Watching, new Input.Ended(TimeSpan.FromSeconds(1)));
        step.Next.ShouldBe(new WatcherState.Listed("7"));
        step.Pause.ShouldBe(WatcherPause.None);
    }

    [Fact]
    public void A_quiet_watch_that_lasted_is_healthy_and_one_that_ends_at_once_is_not_hammered()
    {
        Next(Listed, new Input.Ended(TimeSpan.FromMinutes(5))).Pause.ShouldBe(WatcherPause.Healthy);
        Next(Listed, new Input.Ended(TimeSpan.FromMilliseconds(5))).Pause.ShouldBe(WatcherPause.Backoff);
    }

    public static TheoryData<string, int, string, string> Failures => new()
    {
        // state, code, next state, pause
        { "Empty", 500, "Empty", "Backoff" },
        { "Empty", 410, "Empty", "Backoff" },
        { "Listing", 500, "Listing", "Backoff" },
        { "Listing", 410, "Empty", "Backoff" }, // the token is too old: begin again, with one list
        { "Listed", 0, "Listed", "Backoff" },
        { "Listed", 403, "Listed", "Backoff" },
        { "Listed", 410, "Empty", "Backoff" },
        { "Watching", 0, "Listed", "FreshBackoff" },
        { "Watching", 500, "Listed", "FreshBackoff" },
        { "Watching", 410, "Empty", "FreshBackoff" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_failure_keeps_what_can_be_kept_and_waits(string state, int code, string next, string pause)
    {
        var from = new[] { Empty, Listing, Listed, Watching }.Single(s => s.GetType().Name == state);
        var step = Next(from, Failed(code));
        step.Next.GetType().Name.ShouldBe(next);
        step.Pause.ToString().ShouldBe(pause);
        step.Store.ShouldBeNull();
    }

    [Fact]
    public void A_failure_after_a_long_quiet_watch_counts_as_the_first() =>
        Next(Listed, Failed(0, TimeSpan.FromMinutes(4))).Pause.ShouldBe(WatcherPause.FreshBackoff);

    [Fact]
    public void The_servers_wish_to_wait_is_passed_on()
    {
        var error = new KubernetesException("busy", new Status { Code = 429 }, null, TimeSpan.FromSeconds(3));
        Next(Listed, new Input.Failed(error, TimeSpan.Zero)).AtLeast.ShouldBe(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public void A_version_from_the_future_of_a_restored_server_means_a_new_list()
    {
        var status = new Status { Code = 504, Reason = "Timeout", Details = new() { Causes = [new("ResourceVersionTooLarge", "Too large resource version")] } };
        Next(Listed, new Input.Failed(new("too large", status), TimeSpan.Zero)).Next.ShouldBe(Empty);
    }

    static Step Next(WatcherState state, Input input) => Watcher.Step(state, input);

    static Input Mark(string version) => new Input.Event(new(WatchEventType.Bookmark, null, version, EndsInitialEvents: true));

    static Input Page(string version, string? token) => new Input.Page(new([], new() { ResourceVersion = version, Continue = token }));

    static Input Change(WatchEventType type, string version) =>
        new Input.Event(new(type, new ConfigMap { Metadata = new() { Name = "a", ResourceVersion = version } }, version));

    static Input Failed(int code, TimeSpan lasted = default) => new Input.Failed(new("failed", new Status { Code = code }), lasted);
}
