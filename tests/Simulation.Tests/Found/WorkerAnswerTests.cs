using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Serialization;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Hosting;
using Framelease.Operator.Ledger;
using Framelease.Operator.Tests;
using Framelease.Operator.WorkerApi;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.Simulation.Tests.Ledger;
using Framelease.Simulation.Tests.World.Whole;
using Framelease.WorkerProtocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Simulation.Tests.Found;

/// <summary>What worlds found in the answers to workers, each in one step.</summary>
public sealed class WorkerAnswerTests
{
    static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    readonly MemoryDatabase _database = new(() => Now);
    readonly AssignmentBuilder _assignments;
    readonly WorkerService _worker;

    public WorkerAnswerTests()
    {
        var server = new MemoryApiServer(() => Now);
        var engine = PlatformObjects.Engine();
        var accepted = (TaskAccepted)Given.Accepted()[0];
        server.Create(
            ResourceRef.Of<Resources.Engine>(),
            KubernetesJson.ToNode(engine with { Metadata = engine.Metadata with { Name = accepted.Engine } }));
        var kubernetes = new MemoryKubernetes(server, new MemoryApiTests.StraightApiWay());
        var ledger = new MemoryLedger(_database, new MemoryLedgerTests.StraightWay());
        var objects = new MemoryObjects();
        var options = new OperatorOptions { Postgres = "", ObjectRoot = "", Identity = "test" };
        _assignments = new AssignmentBuilder(ledger, kubernetes, objects, options);
        _worker = new WorkerService(
            ledger, new AttemptService(ledger, new Random(1), new AttemptSignals()), _assignments, kubernetes, objects,
            new AttemptCredential(new byte[32]), NullLogger<WorkerService>.Instance);
        Append(PostgresLedger.TaskStream(Given.TaskUid), [.. Given.Accepted()]);
    }

    [Fact]
    public async Task An_attach_whose_attempt_ended_meanwhile_is_stale_and_no_internal_error()
    {
        var problem = await Should.ThrowAsync<HttpProblem>(() => _assignments.BuildAsync(Given.Fence(token: 1), "credential", default));
        (problem.Status, problem.Reason).ShouldBe((409, "StaleHolder"));
    }

    [Fact]
    public async Task A_cancelled_task_in_a_pool_with_lock_delay_gets_no_longer_grace_than_its_slot_has()
    {
        var terms = Given.Terms with { LockDelay = new LockDelayTerms(6, 14) };
        var requested = new LeaseRequested(
            Given.LeaseUid, "default", "lease", "default", "test", Given.TaskUid, 0, 1, terms);
        var slot = new SlotSnapshot(new SlotKey("cluster", "node-1", "sw-0", 0), "default", SlotState.Free, 0, null, "slot", "Software", 0);
        var granted = LeaseDecider.Decide(LeaseState.Initial.Evolve(requested, Now), new LeaseCommand.Grant(slot));
        Append(
            PostgresLedger.LeaseStream(Given.LeaseUid),
            [requested, .. granted.ShouldBeOfType<Decision<ILeaseEvent>.Events>().Items]);
        Append(PostgresLedger.TaskStream(Given.TaskUid), [new TaskCancelled("alice")]);
        var beat = new BeatRequest(1, WorkerPhase.Running, 0, 0, 0, 0, 0, 0, null);
        var reply = await _worker.BeatAsync(Given.Fence(token: 1), beat, default);
        (reply.Command, reply.GraceSeconds).ShouldBe((WorkerCommand.Stop, 3));
    }

    void Append(string stream, object[] events) => _database.AppendAny(stream, "test", null, events);
}
