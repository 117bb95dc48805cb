using System.Globalization;
using Framelease.Cli.Terminal;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Framelease.Cli.Tasks;

/// <summary>
/// For people at a terminal: a line with a bar for every task, redrawn in place. Drawn on our own calls, not by a refresh timer, so that what is
/// printed around it stays in order.
/// </summary>
sealed class BarDisplay(CommandConsole console) : IWatchDisplay
{
    const int BarWidth = 30;

    readonly List<string> _order = [];
    readonly Dictionary<string, (TaskView Task, TaskProgress? Progress)> _tasks = new(StringComparer.Ordinal);
    readonly IAnsiConsole _ansi = AnsiConsole.Create(
        // Whoever made this display knows that it is a terminal (CommandConsole); the environment is not asked twice.
        new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, Out = new AnsiConsoleOutput(console.Out) });
    int _drawn;

    public void Show(TaskView task, TaskProgress? progress)
    {
        if (!_tasks.ContainsKey(task.Uid))
            _order.Add(task.Uid);
        _tasks[task.Uid] = (task, progress);
        Draw();
    }

    public void Note(string line)
    {
        Rise();
        console.Out.Write($"\r\u001b[2K{Format.OneLine(line, console.Width - 1)}\n");
        _drawn = 0;
        Draw();
    }

    public void Finish() => console.Out.Flush();

    void Rise()
    {
        if (_drawn > 0)
            _ansi.Cursor.MoveUp(_drawn);
    }

    void Draw()
    {
        Rise();
        foreach (var uid in _order)
        {
            console.Out.Write("\r\u001b[2K");
            var (task, progress) = _tasks[uid];
            _ansi.Write(Line(task, progress));
            console.Out.Write('\n');
        }

        _drawn = _order.Count;
        console.Out.Flush();
    }

    IRenderable Line(TaskView task, TaskProgress? progress)
    {
        var perMille = task.Succeeded ? 1000 : task.Finished || progress is null ? 0 : Math.Clamp(progress.PerMille, 0, 1000);
        var done = BarWidth * perMille / 1000;
        var colour = task.Succeeded ? "green" : task.Finished ? "red" : "blue";
        var text = progress is null || task.Finished ? TaskLine.Of(task) : $"{progress.Describe()}{Where(task)}";
        var room = Math.Max(10, console.Width - BarWidth - 30);
        var name = Markup.Escape(Format.OneLine(task.Name, 20).PadRight(20));
        return new Markup(string.Create(
            CultureInfo.InvariantCulture,
            $"{name} [{colour}]{new string('━', done)}[/][grey]{new string('━', BarWidth - done)}[/] {perMille / 10,3} % {Markup.Escape(Format.OneLine(text, room))}"));
    }

    static string Where(TaskView task) => task.Device is null ? "" : $" on {task.Device}, token {task.Token}, attempt {task.Attempt}"
        + (task.Scenes > 1 ? $", {task.ScenesDone} of {task.Scenes} scenes done" : "");
}
