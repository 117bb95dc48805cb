using Framelease.Cli.Tasks;

namespace Framelease.Cli.Tests.Tasks;

public sealed class DisplayTests
{
    [Fact]
    public void A_pipe_gets_a_line_for_every_change_and_every_tenth_of_the_work()
    {
        var shell = new TestShell();
        var display = new LineDisplay(shell.Shell.Console, shell.Shell.Time);

        display.Show(TaskFixtures.Running(), null);
        for (var perMille = 1; perMille < 1000; perMille++)
            display.Show(TaskFixtures.Running(), TaskFixtures.Progress(perMille));
        display.Show(TaskFixtures.Succeeded(), null);

        var lines = shell.Out.TrimEnd().Split('\n');
        lines[0].ShouldBe("14:02:03.456 clip: Running on soft-0 under token 7 (attempt 2)");
        lines[^1].ShouldBe("14:02:03.456 clip: Succeeded: file:///o/out.mp4");
        lines.Length.ShouldBeInRange(10, 14);
    }

    [Fact]
    public void Programs_get_one_json_object_a_line_and_none_twice()
    {
        var shell = new TestShell();
        var display = new JsonDisplay(shell.Shell.Console);

        display.Show(TaskFixtures.Running(), TaskFixtures.Progress(10));
        display.Show(TaskFixtures.Running(), TaskFixtures.Progress(10));

        shell.Out.TrimEnd().ShouldBe(
            """{"task":"clip","uid":"u-1","phase":"Running","reason":null,"message":null,"attempt":2,"device":"soft-0","token":7,"frames":10,"totalFrames":1000,"fpsMillis":250000,"perMille":10,"output":null,"scenes":1,"scenesDone":0,"outputs":[]}""");
    }

    [Fact]
    public void A_terminal_gets_bars_that_text_of_others_cannot_break()
    {
        var shell = new TestShell(terminal: true);
        var display = new BarDisplay(shell.Shell.Console);

        display.Show(TaskFixtures.Running(), TaskFixtures.Progress(500));
        display.Show(TaskFixtures.Queued("[red]\u001b[2J"), null);

        shell.Out.ShouldContain("━");
        shell.Out.ShouldContain("50 %");
        shell.Out.ShouldContain("[red] [2J");
    }
}
