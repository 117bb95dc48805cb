using Framelease.Cli.Terminal;

namespace Framelease.Cli.Tests;

/// <summary>A shell whose console is text in memory, whose clock stands still, and whose environment is a dictionary.</summary>
sealed class TestShell
{
    readonly StringWriter _out = new() { NewLine = "\n" };
    readonly StringWriter _error = new() { NewLine = "\n" };

    public TestShell(bool terminal = false)
    {
        Shell = new Shell
        {
            Console = new CommandConsole(_out, _error, new StringReader(""), terminal, 120),
            Time = new StandingClock(),
            Random = new Random(1),
            NewId = () => Guid.Parse("0123abcd-0000-0000-0000-000000000000"),
            Environment = name => Variables.GetValueOrDefault(name),
        };
    }

    public Shell Shell { get; }

    public Dictionary<string, string> Variables { get; } = new(StringComparer.Ordinal) { ["HOME"] = "/nonexistent" };

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    public Task<int> RunAsync(params string[] args) => CommandLine.RunAsync(args, Shell);

    sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2025, 11, 22, 14, 2, 3, 456, TimeSpan.Zero);
    }
}
