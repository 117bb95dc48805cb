using System.Diagnostics;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Xunit.Abstractions;

namespace Framelease.Domain.Tests.Histories;

/// <summary>
/// Thousands of short random histories: three tasks and three bare leases over three slots, driven by natural, wrong, late, repeated and
/// reordered commands, a third of them decided on a snapshot that is no longer true. Slot rows change under <see cref="SlotChange"/>'s
/// guards, streams under expected versions.
/// <see cref="Oracle"/> judges by the events alone. What must hold after every step:
/// <list type="number">
/// <item>no slot is ever granted to a second lease before the first released it or was proven gone; a quarantined slot is never
/// granted;</item>
/// <item>no two processes ever work on one slot (a zombie works until it is killed, whatever the log says);</item>
/// <item>tokens of a slot only grow; a lease is granted at most once;</item>
/// <item>no attach, release or result is accepted under an old token, from another pod, or from an attempt that is not the scene's
/// current one;</item>
/// <item>at most one SceneCommitted per scene and one OutputCommitted per task; an accepted last word, repeated, is answered with
/// "nothing to do";</item>
/// <item>after an end nothing happens any more but its clearing up; each attempt ends once; failures never pass backoffLimit; attempts
/// count without gaps;</item>
/// <item>each grade of a lease comes once, in order, and only to a holder: warning, drain, force; nobody is forced unasked;</item>
/// <item>a refused stale holder is recorded once per pod and kind of write; no "never attached" after an attach;</item>
/// <item>the slot table is what its events say, and every state is explained by replaying its events from the log's text (every fifth
/// seed).</item>
/// </list>
/// Replay one seed: <c>HISTORY_SEED=n dotnet test --filter RandomHistory</c>; more of them: <c>HISTORY_SEEDS=n</c>.
/// </summary>
public class RandomHistoryTests(ITestOutputHelper output)
{
    const int Seeds = 2_500;
    const int Steps = 60;

    static readonly SlotKey[] Slots =
    [
        new("cluster", "node-a", "gpu-0", 0),
        new("cluster", "node-a", "gpu-1", 0),
        new("cluster", "node-b", "gpu-0", 0),
    ];

    [Fact]
    public void No_random_history_breaks_an_invariant()
    {
        var watch = Stopwatch.StartNew();
        var reached = new HashSet<string>();
        var seeds = Number("HISTORY_SEED") is { } one ? [one] : Enumerable.Range(1, Number("HISTORY_SEEDS") ?? Seeds).ToArray();
        foreach (var seed in seeds)
            reached.UnionWith(Run(seed));
        output.WriteLine($"{seeds.Length} seeds × {Steps} steps in {watch.Elapsed.TotalSeconds:0.0} s");
        output.WriteLine($"reached: {string.Join(", ", reached.Order())}");
        if (seeds.Length < Seeds)
            return;

        // A walk that never gets anywhere breaks nothing either: every event and every refusal must have been reached. But a walk loses no
        // history, and so finds nothing of it again.
        var events = typeof(ILeaseEvent).Assembly.GetTypes()
            .Where(t => t.IsClass && (t.IsAssignableTo(typeof(ILeaseEvent)) || t.IsAssignableTo(typeof(ITaskEvent))));
        string[] refusals =
        [
            "AlreadyAccepted", "AlreadyAttached", "AlreadyGranted", "AlreadyStarted", "ConflictingResult", "InvalidTerms", "LeaseMissing",
            "NoSuchLease", "NotAttached", "NotCurrent", "NotGraded", "NotGranted", "NotPending", "NotProven", "NotQuarantined",
                "NotTheHolder",
            "SlotNotFree", "SpecChanged", "StaleHolder", "TaskEnded", "TaskSuspended", "WrongPool",
        ];
        events.Select(t => t.Name).Concat(refusals).Append("conflict").Except([nameof(OutputReadopted), nameof(SceneReadopted)]).Except(reached).ShouldBeEmpty();
    }

    static IEnumerable<string> Run(int seed)
    {
        var random = new Random(seed);
        var (world, oracle, reached) = (new World(Slots), new Oracle(), new HashSet<string>());
        var walk = new Walk(random, world, oracle);
        var (acts, snapshots, accepted, story) = (new List<Act>(), new List<Snapshot>(), new HashSet<Act>(), new List<(Act, string)>());
        try
        {
            for (var step = 0; step < Steps; step++)
            {
                var act = acts.Count > 0 && random.Next(100) < 20 ? acts[random.Next(acts.Count)] : walk.Next();
                acts.Add(act);
                snapshots.Add(world.Now);
                var seen = random.Next(100) < 65 ? world.Now : snapshots[Math.Max(0, snapshots.Count - random.Next(1, 12))];
                var plan = act.Decide(seen);
                if (seen == world.Now && act.IsFinalReport && accepted.Contains(act) && (plan.Refusal is not null || !plan.ChangesNothing))
                    throw new BrokenInvariant("a repeated last word was not answered with \"nothing to do\"");
                var outcome = plan.Refusal ?? (plan.ChangesNothing ? "nothing" : world.Commit(seen, plan) ? "committed" : "conflict");
                story.Add((act, outcome));
                reached.Add(outcome);
                if (outcome != "committed")
                    continue;
                accepted.Add(act);
                oracle.Saw(act, plan);
                oracle.Compare(world.Now.Slots.Values);
            }

            if ((seed % 5 == 0 || seed == Number("HISTORY_SEED")) && world.Unexplained() is { } stream)
                throw new BrokenInvariant($"the state of {stream} is not what its events tell");
        }
        catch (Exception e)
        {
            var told = string.Join('\n', story.Select((s, i) => $"{i + 1,3}. {s.Item1.Text} → {s.Item2}"));
            throw new BrokenInvariant($"seed {seed}, step {story.Count}: {e}\n{told}");
        }

        reached.UnionWith(world.Recorded.Select(t => t.Name));
        return reached;
    }

    static int? Number(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out var n) ? n : null;
}
