using Framelease.NodeAgent.Looking;

namespace Framelease.NodeAgent.Tests;

public sealed class AgentOptionsTests
{
    [Fact]
    public void The_environment_of_its_pod_is_enough()
    {
        var set = new Dictionary<string, string>
        {
            ["FRAMELEASE_NODE_NAME"] = "node-1", ["FRAMELEASE_OPERATOR_URL"] = "https://operator:8788",
        };
        AgentOptions.Parse([], set.GetValueOrDefault).ShouldBe(
            new AgentOptions("node-1", new Uri("https://operator:8788/"), "/var/run/secrets/framelease/token", null, false));
        AgentOptions.Parse(["--node", "n", "--nested-node"], set.GetValueOrDefault).ShouldSatisfyAllConditions(
            o => o.Node.ShouldBe("n"), o => o.IsNestedNode.ShouldBeTrue());
    }

    [Theory]
    [InlineData("--node is missing, and FRAMELEASE_NODE_NAME is not set", "--operator", "http://o")]
    [InlineData("--operator ftp://o: it must be", "--node", "n", "--operator", "ftp://o")]
    [InlineData("--node: a value is missing", "--node")]
    [InlineData("unknown option --kill", "--kill")]
    public void What_is_wrong_is_said(string said, params string[] arguments) =>
        Should.Throw<AgentException>(() => AgentOptions.Parse(arguments, _ => null)).Message.ShouldContain(said);
}
