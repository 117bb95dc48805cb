using System.Runtime.InteropServices;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Devices;
using Framelease.LocalCluster.Shim.Native;

namespace Framelease.LocalCluster.Node.Registration;

/// <summary>What this machine is, in the words of a Node object. Pure but for reading files of /proc and /etc.</summary>
static class NodeFacts
{
    /// <summary>As many as a kubelet takes by default.</summary>
    const int MaxPods = 110;

    internal static Dictionary<string, string> Labels(string nodeName) => new()
    {
        ["kubernetes.io/hostname"] = nodeName,
        ["kubernetes.io/os"] = "linux",
        ["kubernetes.io/arch"] = Architecture,
        ["framelease.dev/node"] = "local",
    };

    internal static Dictionary<string, string> Capacity(DeviceInventory devices)
    {
        var capacity = new Dictionary<string, string>
        {
            ["cpu"] = Environment.ProcessorCount.ToString(),
            ["memory"] = $"{MemoryKilobytes()}Ki",
            ["pods"] = MaxPods.ToString(),
        };
        if (devices.Devices.Count > 0)
            capacity[devices.Resource] = devices.Devices.Count.ToString();
        return capacity;
    }

    internal static NodeStatus Status(DeviceInventory devices, NodeStatus? old, DateTimeOffset now)
    {
        var capacity = Capacity(devices);
        return (old ?? new NodeStatus()) with
        {
            Capacity = capacity,
            Allocatable = capacity,
            Addresses = [new("InternalIP", "127.0.0.1"), new("Hostname", Environment.MachineName)],
            Conditions = [Ready(old, now)],
            NodeInfo = new NodeInfo
            {
                BootID = ProcessIdentity.CurrentBootId,
                MachineID = FirstLine("/etc/machine-id") ?? "",
                SystemUUID = "",
                KernelVersion = FirstLine("/proc/sys/kernel/osrelease") ?? "",
                OsImage = OsImage(),
                ContainerRuntimeVersion = $"framelease-shim://{Version}",
                KubeletVersion = $"v{Version}-framelease",
                OperatingSystem = "linux",
                Architecture = Architecture,
            },
        };
    }

    static NodeCondition Ready(NodeStatus? old, DateTimeOffset now)
    {
        var before = old?.Conditions?.FirstOrDefault(condition => condition.Type == "Ready");
        return new NodeCondition
        {
            Type = "Ready",
            Status = "True",
            Reason = "KubeletReady",
            Message = "the process node runs pods",
            LastHeartbeatTime = now,
            LastTransitionTime = before?.Status == "True" ? before.LastTransitionTime ?? now : now,
        };
    }

    static string Version => typeof(NodeFacts).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    static string Architecture => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        var other => other.ToString().ToLowerInvariant(),
    };

    static long MemoryKilobytes()
    {
        foreach (var line in File.ReadLines("/proc/meminfo"))
            if (line.StartsWith("MemTotal:", StringComparison.Ordinal))
                return long.Parse(line["MemTotal:".Length..].Replace("kB", "", StringComparison.Ordinal));
        return 0;
    }

    static string OsImage()
    {
        if (!File.Exists("/etc/os-release"))
            return "Linux";
        foreach (var line in File.ReadLines("/etc/os-release"))
            if (line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal))
                return line["PRETTY_NAME=".Length..].Trim('"');
        return "Linux";
    }

    static string? FirstLine(string path) => File.Exists(path) ? File.ReadLines(path).FirstOrDefault() : null;
}
