using Framelease.Conformance.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Leadership;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Candidates for one Lease of the server, each with a client and a clock of its own; whoever leads is paused, and finds out later.</summary>
public abstract class LeaderElectionCases(Server server)
{
    [Case]
    public Task Of_two_candidates_the_other_leads_while_one_is_paused() => ElectAsync(candidates: 2, rounds: 2);

    [Case]
    public Task Of_three_candidates_one_leads_however_often_the_leader_is_paused() => ElectAsync(candidates: 3, rounds: 3);

    [Case]
    public async Task A_leader_that_stops_gives_the_lease_back_at_once()
    {
        var ns = await server.NewNamespace();
        var epochs = new Epochs();
        await using var first = new Candidate(server, ns, "first", epochs);
        await Until(() => first.Leads, "the first leads");
        await first.DisposeAsync();
        var lease = (await server.Api.Get($"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/e")).ShouldBe(200).Json["spec"]!;
        (lease["holderIdentity"]?.GetValue<string>() ?? "").ShouldBe("");
        await using var second = new Candidate(server, ns, "second", epochs);
        await Until(() => second.Leads, "the second leads");
        epochs.Last.ShouldBe(2);
    }

    async Task ElectAsync(int candidates, int rounds)
    {
        var (ns, epochs) = (await server.NewNamespace(), new Epochs());
        var all = Enumerable.Range(0, candidates).Select(i => new Candidate(server, ns, $"c{i}", epochs)).ToArray();
        try
        {
            for (var round = 0; round < rounds; round++)
            {
                await Until(() => all.Count(c => c.Leads) == 1, "one leads");
                var (leader, epoch) = (all.Single(c => c.Leads), epochs.Last);
                leader.Time.Pause();
                await Until(() => all.Any(c => c != leader && c.Leads), "another leads");
                epochs.Last.ShouldBeGreaterThan(epoch, "what the paused one does from now on is refused by its epoch");
                leader.Time.Resume();
                await Until(() => !leader.Leads, "the paused one has found out");
            }

            await Until(() => all.Count(c => c.Leads) == 1, "one leads in the end");
        }
        finally
        {
            foreach (var candidate in all)
                await candidate.DisposeAsync();
        }
    }

    static async Task Until(Func<bool> holds, string what)
    {
        var deadline = DateTimeOffset.UtcNow.AddSeconds(30);
        while (!holds())
        {
            if (DateTimeOffset.UtcNow > deadline)
                throw new TimeoutException($"not seen in 30 s: {what}");
            await Task.Delay(10);
        }
    }

    sealed class Epochs : IEpochAuthority
    {
        long _last;

        public long Last => Interlocked.Read(ref _last);

        public Task<long?> TakeAsync(string identity, CancellationToken ct) => Task.FromResult<long?>(Interlocked.Increment(ref _last));
    }

    sealed class Candidate : IAsyncDisposable
    {
        readonly CancellationTokenSource _stop = new();
        readonly KubernetesClient _client;
        readonly LeaderElector _elector;
        readonly Task _running;

        public Candidate(Server server, string ns, string name, IEpochAuthority epochs)
        {
            _client = new(KubeConfig.Load(server.KubeconfigPath), Time, new Random(name[^1]));
            var options = new LeaderElectionOptions
            {
                Name = "e", Namespace = ns, Identity = name,
                LeaseDuration = TimeSpan.FromSeconds(2), RenewDeadline = TimeSpan.FromSeconds(1.5), RetryPeriod = TimeSpan.FromSeconds(0.2),
            };
            _elector = new(_client, options, epochs, Time, new Random(name[^1]));
            _running = _elector.RunAsync((_, ct) => Task.Delay(Timeout.Infinite, ct), _stop.Token);
        }

        public PausableTime Time { get; } = new();

        public bool Leads => _elector.IsLeader;

        public async ValueTask DisposeAsync()
        {
            if (_stop.IsCancellationRequested)
                return;
            Time.Resume();
            await _stop.CancelAsync();
            try
            {
                await _running;
            }
            catch (OperationCanceledException)
            {
                // the work ends by its token
            }

            _client.Dispose();
        }
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class LeaderElectionCasesOnLocalCluster(LocalServer server) : LeaderElectionCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class LeaderElectionCasesOnGivenServer(GivenServer server) : LeaderElectionCases(server);
