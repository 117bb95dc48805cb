using Framelease.EventStore;
using Framelease.Kubernetes.Configuration;
using Framelease.Operator.Authority;
using Framelease.Operator.Hosting;

namespace Framelease.Operator.Tests.Hosting;

public sealed class RefusalTests
{
    [Fact]
    public void What_a_person_can_mend_is_said_in_its_own_words()
    {
        Refusal.TextOf(new DatabaseOfAnotherClusterException("theirs", "ours"))!.ShouldStartWith("the database belongs to cluster theirs");
        Refusal.TextOf(new EventStoreSchemaException("too old"))!.ShouldBe("too old");
        Refusal.TextOf(new KubeConfigException("no context 'x'"))!.ShouldBe("no context 'x'");
    }

    [Fact]
    public void A_connection_string_is_looked_at_before_it_is_used()
    {
        CommandLine.ConnectionProblem("Host=db;Username=framelease").ShouldBeNull();
        CommandLine.ConnectionProblem("Username=framelease")!.ShouldBe("it names no Host");
        CommandLine.ConnectionProblem("Hots=db;Password=secret")!.ShouldNotContain("secret");
        CommandLine.ConnectionProblem("Host=db;Port=many").ShouldNotBeNull();
        CommandLine.ConnectionProblem("postgres://db/framelease").ShouldNotBeNull();
    }

    [Fact]
    public void A_fault_of_the_program_keeps_its_stack_trace()
    {
        Refusal.TextOf(new InvalidOperationException("a bug")).ShouldBeNull();
        Refusal.TextOf(new ArgumentException("a bug", "limit")).ShouldBeNull();
    }
}
