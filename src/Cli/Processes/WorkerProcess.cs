using System.Globalization;
using System.Text;

namespace Framelease.Cli.Processes;

/// <summary>Finds the processes of a pod on this machine, as an operator with a shell would: by what /proc says.</summary>
static class WorkerProcess
{
    /// <summary>The worker of a pod, or null when it does not run here.</summary>
    public static int? Find(string podName)
    {
        var mark = Encoding.UTF8.GetBytes($"FRAMELEASE_POD_NAME={podName}\0");
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) || Name(pid) is not "framelease-work")
                continue;
            if (Read($"{folder}/environ") is { } environment && environment.AsSpan().IndexOf(mark) >= 0)
                return pid;
        }

        return null;
    }

    /// <summary>A child of a process by name, or null.</summary>
    public static int? ChildOf(int parent, string name)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) && Name(pid) == name && ParentOf(pid) == parent)
                return pid;
        }

        return null;
    }

    static string? Name(int pid) => Read($"/proc/{pid}/comm") is { } text ? Encoding.UTF8.GetString(text).TrimEnd('\n') : null;

    static int ParentOf(int pid)
    {
        if (Read($"/proc/{pid}/stat") is not { } bytes)
            return -1;
        var stat = Encoding.UTF8.GetString(bytes);
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
    }

    // Processes come and go while one looks, and other users' are closed.
    static byte[]? Read(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
