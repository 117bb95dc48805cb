using System.Globalization;

namespace Framelease.Devices;

/// <summary>Reads what <c>nvidia-smi --format=csv,noheader,nounits</c> prints. Pure; notices between the lines are skipped.</summary>
static class SmiOutput
{
    const int HighestTemperature = 200;
    const long MostMemoryMiB = 1 << 24;

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
    public static IReadOnlyList<DeviceProcess> Processes(string text)
    {
        var found = new List<DeviceProcess>();
        foreach (var line in text.Split('\n'))
        {
            // A name may hold commas: it is the rest.
            if (line.Split(',', 3, StringSplitOptions.TrimEntries) is [var pid, var memory, var name] && Number(pid, 1, int.MaxValue) is { } number)
                found.Add(new DeviceProcess((int)number, Number(memory, 0, MostMemoryMiB), name));
        }

        return found;
    }

    static long? Number(string text, long least, long most) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number : null;
}
