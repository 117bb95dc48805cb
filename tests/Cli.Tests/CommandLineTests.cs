namespace Framelease.Cli.Tests;

public sealed class CommandLineTests
{
    readonly TestShell _shell = new();

    [Theory]
    [InlineData("frobnicate", "'frobnicate' is not a command or argument here")]
    [InlineData("apply", "--filename")]
    [InlineData("get", "kind")]
    [InlineData("submit --param", "--param")]
    [InlineData("watch --output yaml", "yaml")]
    public async Task Wrong_usage_is_one_line_on_standard_error_and_exit_code_2(string arguments, string says)
    {
        (await _shell.RunAsync(arguments.Split(' '))).ShouldBe(2);

        _shell.Error.ShouldContain(says);
        _shell.Error.ShouldContain("--help says more");
        _shell.Error.Count(c => c == '\n').ShouldBe(1);
        _shell.Out.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("submit --help")]
    [InlineData("watch --help")]
    [InlineData("history --help")]
    [InlineData("apply --help")]
    [InlineData("get --help")]
    [InlineData("logs --help")]
    public async Task Every_command_explains_itself(string arguments)
    {
        (await _shell.RunAsync(arguments.Split(' '))).ShouldBe(0);

        _shell.Out.ShouldContain("Usage:");
        _shell.Error.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_missing_kubeconfig_is_a_failure_that_says_which_one_and_how_to_mend_it()
    {
        (await _shell.RunAsync("get", "vt", "--kubeconfig", "/nonexistent/kubeconfig")).ShouldBe(1);

        _shell.Error.ShouldContain("/nonexistent/kubeconfig");
        _shell.Error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task An_api_server_that_is_down_is_one_line()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, """
            apiVersion: v1
            kind: Config
            current-context: a
            contexts: [{name: a, context: {cluster: a, user: a}}]
            clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]
            users: [{name: a, user: {token: t}}]
            """);

        (await _shell.RunAsync("history", "clip", "--kubeconfig", file)).ShouldBe(1);

        _shell.Error.ShouldContain("127.0.0.1:1");
        _shell.Error.Count(c => c == '\n').ShouldBe(1);
    }

    [Fact]
    public async Task Submitting_both_a_manifest_and_an_input_is_refused()
    {
        (await _shell.RunAsync("submit", "task.yaml", "--input", "clip.mp4")).ShouldBe(2);

        _shell.Error.ShouldContain("not both");
    }
}
