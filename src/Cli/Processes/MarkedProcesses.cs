using System.Globalization;
using System.Text;

namespace Framelease.Cli.Processes;

/// <summary>Finds what a command started, by the mark that it got in its environment: also what outlived it.</summary>
static class MarkedProcesses
{
    /// <param name="mark">NAME=value, exactly.</param>
    /// <returns>Processes that carry it and have not ended. Other users' cannot be looked into.</returns>
    public static IReadOnlyList<int> Find(string mark)
    {
        var found = new List<int>();
        var wanted = Encoding.UTF8.GetBytes(mark);
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) && Carries($"{folder}/environ", wanted))
                found.Add(pid);
        }

        return found;
    }

    static bool Carries(string file, ReadOnlySpan<byte> mark)
    {
        try
        {
            // Empty for a process that has ended and was not waited for yet.
            ReadOnlySpan<byte> environment = File.ReadAllBytes(file);
            foreach (var entry in environment.Split((byte)0))
            {
                if (environment[entry].SequenceEqual(mark))
                    return true;
            }

            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // gone, or another user's
        }
    }
}
