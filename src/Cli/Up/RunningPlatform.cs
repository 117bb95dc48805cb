using System.Globalization;
using Framelease.Cli.Processes;

namespace Framelease.Cli.Up;

/// <summary>The <c>framelease up</c> that holds a data directory, known by process id and start time, so that a reused id is never taken for it.</summary>
static class RunningPlatform
{
    const string File = "up.pid";

    public static void Write(string dataDirectory) =>
        System.IO.File.WriteAllText(Path.Combine(dataDirectory, File), Describe(System.Environment.ProcessId));

    /// <summary>Null when none runs.</summary>
    public static int? Find(string dataDirectory)
    {
        var file = Path.Combine(dataDirectory, File);
        if (!System.IO.File.Exists(file))
            return null;
        var text = System.IO.File.ReadAllText(file);
        return int.TryParse(text.Split(' ')[0], CultureInfo.InvariantCulture, out var pid) && Describe(pid) == text ? pid : null;
    }

    public static void Terminate(int pid) => Signals.Send(pid, Signals.Term);

    // Field 22 of stat, counted after the name, which may hold spaces and brackets.
    static string Describe(int pid)
    {
        try
        {
            var stat = System.IO.File.ReadAllText($"/proc/{pid}/stat");
            return $"{pid} {stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19]}";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
