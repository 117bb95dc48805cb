using System.Globalization;
using Framelease.Cli.Terminal;

namespace Framelease.Cli.History;

/// <summary>The history as people read it: when, what, which device, which token, and what the event says beyond that.</summary>
static class HistoryTable
{
    public static void Write(IReadOnlyList<HistoryItem> items, CommandConsole console)
    {
        var table = new TextTable("SEQ", "TIME (UTC)", "EVENT", "DEVICE", "TOKEN", "DETAILS");
        var devices = new Dictionary<string, DeviceColumn>(StringComparer.Ordinal);
        foreach (var item in items)
        {
            if (!devices.TryGetValue(item.Stream, out var column))
                devices[item.Stream] = column = new();
            var (device, token) = column.Next(item.Data);
            table.Add(
                item.Sequence.ToString(CultureInfo.InvariantCulture), Format.Clock(item.Timestamp), item.Type, device, token,
                Format.OneLine(EventDetails.Of(item.Data), console.IsTerminal ? Math.Max(30, console.Width - 80) : 200));
        }

        table.Write(console.Out);
    }
}
