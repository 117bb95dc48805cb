using System.Globalization;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Leases;

/// <summary>What the command is told of its slot. Names of NVIDIA's own are set for real devices alone.</summary>
static class CommandEnvironment
{
    public static IReadOnlyDictionary<string, string> Of(HeldLease lease, string ns, string name)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["FRAMELEASE_LEASE"] = $"{ns}/{name}",
            ["FRAMELEASE_TOKEN"] = Text(lease.Token),
            ["FRAMELEASE_NODE"] = lease.Node,
            ["FRAMELEASE_DEVICE"] = lease.Device.Id,
            ["FRAMELEASE_DEVICE_INDEX"] = Text(lease.Device.Index),
            ["FRAMELEASE_SLOT"] = Text(lease.Device.Slot),
        };
        if (lease.Device.Kind == "Gpu")
        {
            environment["CUDA_VISIBLE_DEVICES"] = lease.Device.Id;
            environment["NVIDIA_VISIBLE_DEVICES"] = lease.Device.Id;
        }

        return environment;
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
