using System.Globalization;

namespace Framelease.Devices;

/// <summary>Reads what <c>nvidia-smi --format=csv,noheader,nounits</c> prints. Pure; notices between the lines are skipped.</summary>
static class SmiOutput
{
    const int HighestTemperature = 200;
    const long MostMemoryMiB = 1 << 24;
    const int MostDevices = 1024;

    /// <summary>Lines of a reading are <c>utilization.gpu, memory.used, memory.total, temperature.gpu</c>; <c>[N/A]</c> is null.</summary>
    /// <returns>Null when no line is one.</returns>
    public static DeviceReading? Reading(string text)
    {
        foreach (var line in text.Split('\n'))
        {
            if (line.Split(',', StringSplitOptions.TrimEntries) is not [var busy, var used, var total, var warm])
                continue;
            var reading = new DeviceReading(
                (int?)Number(busy, 0, 100), Number(used, 0, MostMemoryMiB), Number(total, 0, MostMemoryMiB),
                (int?)Number(warm, -50, HighestTemperature));
            if (reading != new DeviceReading(null, null, null, null))
                return reading;
        }

        return null;
    }

    /// <summary>Lines of <c>pid, used_memory, process_name</c>.</summary>
    /// <returns>
    /// Null when a line is a process whose number is not told (<c>[N/A]</c>), or says that none are told: the list is not whole.
    /// </returns>
    public static IReadOnlyList<DeviceProcess>? Processes(string text)
    {
        var found = new List<DeviceProcess>();
        foreach (var line in text.Split('\n'))
        {
            // A name may hold commas: it is the rest.
            if (line.Split(',', 3, StringSplitOptions.TrimEntries) is [var pid, var memory, var name] && Number(pid, 1, int.MaxValue) is { } number)
                found.Add(new DeviceProcess((int)number, Number(memory, 0, MostMemoryMiB), name));
            else if (line.TrimStart().StartsWith('['))
                return null;
        }

        return found;
    }

    /// <summary>Lines of <c>uuid, index, name, memory.total</c>, by index.</summary>
    public static IReadOnlyList<NodeDevice> Devices(string text)
    {
        var found = new List<NodeDevice>();
        foreach (var line in text.Split('\n'))
        {
            if (line.Split(',', StringSplitOptions.TrimEntries) is [var uuid, var index, var name, var memory]
                && uuid.StartsWith("GPU-", StringComparison.Ordinal) && Number(index, 0, MostDevices) is { } number)
                found.Add(new NodeDevice(uuid, (int)number, name, Number(memory, 0, MostMemoryMiB) ?? 0, "Gpu"));
        }

        found.Sort((a, b) => a.Index.CompareTo(b.Index));
        return found;
    }

    /// <summary>Lines of <c>uuid, retired_pages.pending, remapped_rows.pending, remapped_rows.failure</c>.</summary>
    /// <returns>What is wrong, by device; devices that are not named have nothing that is known to be wrong.</returns>
    public static IReadOnlyDictionary<string, string> Faults(string text)
    {
        var faults = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            if (line.Split(',', StringSplitOptions.TrimEntries) is not [var uuid, var pages, var rows, var failure])
                continue;
            // The number of rows on some drivers, Yes and No on others.
            if (IsSet(failure))
                faults[uuid] = "a row of its memory could not be remapped: the device wants replacing";
            else if (IsSet(pages) || IsSet(rows))
                faults[uuid] = "faulty memory waits to be retired: reset the device";
        }

        return faults;

        static bool IsSet(string value) => value == "Yes" || Number(value, 1, int.MaxValue) is not null;
    }

    static long? Number(string text, long least, long most) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number : null;
}
