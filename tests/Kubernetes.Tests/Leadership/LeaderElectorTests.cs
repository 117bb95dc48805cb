// Whole elections in virtual time: each candidate has a clock of its own, hours apart, and a link that can break.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Leadership;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;

namespace Framelease.Kubernetes.Tests.Leadership;

public sealed class LeaderElectorTests : IAsyncLifetime
{
    static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest time without a leader: a whole lease, a retry with its jitter, and a few ticks.</summary>
    static readonly TimeSpan Takeover = TimeSpan.FromSeconds(19);

    readonly MemoryClient _server = new();
    readonly Epochs _epochs = new();
    readonly List<Candidate> _candidates = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var candidate in _candidates)
            await candidate.StopAsync();
    }

    [Fact]
    public async Task One_of_two_leads_and_the_other_takes_over_after_it_has_stopped_without_waiting_for_the_lease_to_expire()
    {
        var (a, b) = (Join("a"), Join("b"));
        await Until(() => a.Leads ^ b.Leads, Takeover, "one leads");
        var (first, second) = a.Leads ? (a, b) : (b, a);
        await first.StopAsync();
        (await LeaseAsync()).Spec!.HolderIdentity.ShouldBe("", "it was given back");
        await Until(() => second.Leads, TimeSpan.FromSeconds(4), "the other leads");
        (await LeaseAsync()).Spec!.LeaseTransitions.ShouldBe(1);
    }

    [Fact]
    public async Task The_lease_is_given_back_only_after_the_work_has_ended()
    {
        var a = Join("a");
        a.Slow = new TaskCompletionSource();
        await Until(() => a.Leads, Takeover, "a leads");
        var stopped = a.StopAsync();
        await Eventually.True(() => a.IsEnding, "its work was told to end");
        (await LeaseAsync()).Spec!.HolderIdentity.ShouldBe("a");
        a.Slow.SetResult();
        await stopped;
        (await LeaseAsync()).Spec!.HolderIdentity.ShouldBe("");
    }

    [Fact]
    public async Task A_leader_that_was_paused_finds_out_and_stops_and_acts_under_an_epoch_that_is_no_longer_the_last()
    {
        var (a, b) = (Join("a"), Join("b"));
        await Until(() => a.Leads ^ b.Leads, Takeover, "one leads");
        var (first, second) = a.Leads ? (a, b) : (b, a);
        var before = _epochs.Last;
        first.Paused = true;
        await Until(() => second.Leads, Takeover, "the other leads");
        first.Leads.ShouldBeTrue("it sleeps and does not know");
        _epochs.Last.ShouldBeGreaterThan(before, "but whatever it does now is refused by its epoch");
        first.Resume();
        await Eventually.True(() => !first.Leads, "it has found out, though no time has passed since");
        await AdvanceAsync(TimeSpan.FromMinutes(1));
        (first.Leads, second.Leads).ShouldBe((false, true));
    }

    [Theory]
    [InlineData(LinkState.Down)]
    [InlineData(LinkState.Hangs)]
    public async Task A_leader_that_is_cut_off_stops_before_another_begins(LinkState cut)
    {
        var (a, b) = (Join("a"), Join("b"));
        await Until(() => a.Leads ^ b.Leads, Takeover, "one leads");
        var (first, second) = a.Leads ? (a, b) : (b, a);
        first.Link.State = cut;
        await Until(() => second.Leads, Takeover, "the other leads");
        first.Leads.ShouldBeFalse();
    }

    [Fact]
    public async Task A_leader_whose_answers_are_lost_stops_leading_and_leads_again_when_they_come()
    {
        var a = Join("a");
        await Until(() => a.Leads, Takeover, "a leads");
        a.Link.State = LinkState.Deaf;
        await Until(() => !a.Leads, Takeover, "it stops");
        a.Link.State = LinkState.Up;
        await Until(() => a.Leads, TimeSpan.FromSeconds(4), "it leads again, since the lease is its own");
    }

    [Fact]
    public async Task Somebody_who_deletes_or_labels_the_lease_changes_nothing()
    {
        var a = Join("a");
        await Until(() => a.Leads, Takeover, "a leads");
        var terms = _epochs.Last;
        await _server.PatchAsync<Lease>("e", null, Patch.Merge(new { metadata = new { labels = new { by = "hand" } } }));
        await AdvanceAsync(TimeSpan.FromSeconds(30));
        await _server.DeleteAsync<Lease>("e");
        await AdvanceAsync(TimeSpan.FromSeconds(30));
        (a.Leads, _epochs.Last).ShouldBe((true, terms));
        (await LeaseAsync()).Spec!.HolderIdentity.ShouldBe("a");
    }

    [Fact]
    public async Task Who_gets_no_epoch_does_not_lead_and_another_may_try()
    {
        _epochs.Refused.Add("a");
        var (a, b) = (Join("a"), Join("b"));
        await Until(() => b.Leads, Takeover, "b leads");
        a.Terms.ShouldBe(0);
    }

    [Fact]
    public async Task Work_that_throws_ends_the_election_and_the_lease_is_free()
    {
        var a = Join("a", bug: new InvalidOperationException("a bug"));
        await Eventually.True(Step, () => a.Running.IsFaulted, "the election ended");
        (await LeaseAsync()).Spec!.HolderIdentity.ShouldBe("");
        (await Should.ThrowAsync<InvalidOperationException>(() => a.Running)).Message.ShouldBe("a bug");
        _candidates.Remove(a);
    }

    /// <summary>
    /// Three candidates whose clocks are hours apart, with random pauses, cuts and lost answers. Invariants, at every tick:
    /// 1. of the candidates that are not paused, at most one leads;
    /// 2. each term has an epoch of its own;
    /// 3. when nobody is paused or cut off for a whole takeover time, somebody leads.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(0)] // 0: a new seed each time
    public async Task Three_candidates_under_pauses_never_lead_two_at_once_and_always_find_a_leader_again(int seed)
    {
        if (seed == 0)
            seed = Environment.TickCount;
        var random = new Random(seed);
        var all = new[] { Join("a", TimeSpan.FromHours(-5)), Join("b"), Join("c", TimeSpan.FromHours(7)) };
        for (var round = 0; round < 12; round++)
        {
            var victim = all.FirstOrDefault(c => c.Leads && random.Next(3) > 0) ?? all[random.Next(3)];
            var how = random.Next(4);
            victim.Paused = how == 0;
            victim.Link.State = (LinkState)how;
            await AdvanceAsync(TimeSpan.FromSeconds(random.Next(1, 40)), () => CheckAsync(all, $"seed {seed}, round {round}"));
            victim.Link.State = LinkState.Up;
            if (victim.Paused)
                victim.Resume();
            await Until(() => all.Count(c => c.Leads) == 1, Takeover, $"somebody leads; seed {seed}, round {round}");
        }

        all.Sum(c => c.Terms).ShouldBe(_epochs.Given.Count, $"seed {seed}");
    }

    /// <summary>
    /// A thread that the machine held up is a pause that no test asked for: such a leader gets the two seconds in which it looks again.
    /// </summary>
    async Task CheckAsync(Candidate[] all, string when)
    {
        for (var i = 0; i < 9 && all.Count(c => c.Leads && !c.Paused) > 1; i++)
        {
            Step();
            await Task.Delay(5);
        }

        await Eventually.True(() => all.Count(c => c.Leads && !c.Paused) <= 1, $"at most one leads; {when}");
    }

    Candidate Join(string name, TimeSpan skew = default, Exception? bug = null)
    {
        var candidate = new Candidate(name, _server, _epochs, skew, bug);
        _candidates.Add(candidate);
        return candidate;
    }

    Task<Lease> LeaseAsync() => _server.GetAsync<Lease>("e");

    void Step()
    {
        foreach (var candidate in _candidates)
            candidate.Advance(Tick);
    }

    async Task AdvanceAsync(TimeSpan time, Func<Task>? check = null)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += Tick)
        {
            Step();
            await Task.Delay(1);
            if (check is not null)
                await check();
        }
    }

    /// <summary>Virtual time goes on while threads of a slow machine lag behind it, so three times as much is allowed.</summary>
    async Task Until(Func<bool> condition, TimeSpan within, string what)
    {
        for (var passed = TimeSpan.Zero; passed < within * 3 && !condition(); passed += Tick)
        {
            Step();
            for (var i = 0; i < 3 && !condition(); i++)
                await Task.Delay(1);
        }

        await Eventually.True(condition, what);
    }

    sealed class Epochs : IEpochAuthority
    {
        readonly Lock _lock = new();

        public List<long> Given { get; } = [];

        public HashSet<string> Refused { get; } = [];

        public long Last => Given.LastOrDefault();

        public Task<long?> TakeAsync(string identity, CancellationToken ct)
        {
            lock (_lock)
            {
                if (Refused.Contains(identity))
                    return Task.FromResult<long?>(null);
                Given.Add(Given.Count + 1);
                return Task.FromResult<long?>(Given.Count);
            }
        }
    }

    sealed class Candidate
    {
        readonly CancellationTokenSource _stop = new();
        readonly ManualTimeProvider _time;
        readonly LeaderElector _elector;
        readonly Exception? _bug;
        TimeSpan _slept;

        public Candidate(string name, MemoryClient server, Epochs epochs, TimeSpan skew, Exception? bug)
        {
            _bug = bug; // before it begins to run
            _time = new(skew);
            (var client, Link) = Link.Over(server);
            _elector = new(client, new() { Name = "e", Identity = name }, epochs, _time, new Random(name[0]));
            Running = Task.Run(() => _elector.RunAsync(WorkAsync, _stop.Token));
        }

        public Link Link { get; }

        public Task Running { get; }

        public bool Leads => _elector.IsLeader;

        public bool Paused { get; set; }

        public bool IsEnding { get; private set; }

        public int Terms { get; private set; }

        public TaskCompletionSource? Slow { get; set; }


        public void Advance(TimeSpan by)
        {
            if (Paused)
                _slept += by;
            else
                Inline(() => _time.Advance(by));
        }

        /// <summary>The process goes on: its clock has gone on meanwhile.</summary>
        public void Resume()
        {
            Paused = false;
            Inline(() => _time.Jump(_slept));
            _slept = TimeSpan.Zero;
        }

        /// <summary>Without the test's context, what follows a timer runs within the call: time does not go on before it.</summary>
        static void Inline(Action move)
        {
            var context = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(null);
            try
            {
                move();
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(context);
            }
        }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Running;
        }

        async Task WorkAsync(long epoch, CancellationToken ct)
        {
            Terms++;
            if (_bug is not null)
                throw _bug;
            var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var _ = ct.Register(() => end.SetResult());
            await end.Task;
            IsEnding = true;
            if (Slow is not null)
                await Slow.Task;
        }
    }
}
