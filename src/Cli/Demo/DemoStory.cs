using System.Globalization;
using Framelease.Cli.Terminal;

namespace Framelease.Cli.Demo;

/// <summary>The demo's voice: a heading for each step, with the seconds since the start, and indented lines below it.</summary>
sealed class DemoStory(CommandConsole console, TimeProvider time)
{
    readonly long _start = time.GetTimestamp();

    public double Seconds => time.GetElapsedTime(_start).TotalSeconds;

    public void Step(string what)
    {
        var heading = string.Create(CultureInfo.InvariantCulture, $"[{Seconds,5:0.0} s] {what}");
        console.Out.WriteLine(console.IsTerminal ? $"\n\u001b[1m{heading}\u001b[0m" : $"\n{heading}");
        console.Out.Flush();
    }

    public void Say(string line)
    {
        console.Out.WriteLine(line.Length == 0 ? "" : $"  {line}");
        console.Out.Flush();
    }
}
