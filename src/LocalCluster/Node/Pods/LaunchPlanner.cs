using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Images;
using Framelease.LocalCluster.Node.Processes;

namespace Framelease.LocalCluster.Node.Pods;

/// <summary>From a container's spec, its image's entry, resolved variables and prepared volumes to what the shim is to run. Pure.</summary>
static class LaunchPlanner
{
    const string SystemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <param name="variables">The container's env in order, values not expanded.</param>
    /// <param name="volumes">Local directory of each volume.</param>
    /// <exception cref="ConfigErrorException">A mount names no volume, or a limit is no quantity.</exception>
    internal static LaunchPlan Plan(
        Pod pod, Container container, ImageEntry image, IReadOnlyList<KeyValuePair<string, string>> variables,
        IReadOnlyDictionary<string, string> volumes, PodPaths paths)
    {
        var uid = pod.Metadata.Uid!;
        var mounts = new MountPaths((container.VolumeMounts ?? []).Select(mount => (mount.MountPath, Local(mount, volumes))));
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = image.Program.StartsWith('/') ? $"{Path.GetDirectoryName(image.Program)}:{SystemPath}" : SystemPath,
            ["HOME"] = paths.Home(uid),
            ["TMPDIR"] = paths.Temporary(uid),
            ["HOSTNAME"] = pod.Metadata.Name ?? "",
        };
        foreach (var (name, value) in image.Env ?? new Dictionary<string, string>())
            environment[name] = value;
        foreach (var (name, value) in variables)
            environment[name] = mounts.Rewrite(Expansion.Expand(value, environment));

        string Argument(string text) => mounts.Rewrite(Expansion.Expand(text, environment));
        var arguments = (container.Args ?? []).Select(Argument);
        var command = container.Command is { Count: > 0 } own ? own.Select(Argument).ToList() : [image.Program, .. image.Args ?? []];
        var limits = container.Resources?.Limits;
        return new LaunchPlan
        {
            Program = command[0],
            Arguments = [.. command.Skip(1), .. arguments],
            Environment = [.. environment],
            WorkingDirectory = string.IsNullOrEmpty(container.WorkingDir) ? paths.Home(uid) : Argument(container.WorkingDir),
            GraceSeconds = (int)Math.Clamp(pod.Spec?.TerminationGracePeriodSeconds ?? 30, 0, int.MaxValue),
            CpuMillis = Limit(limits, "cpu", 1000),
            MemoryBytes = Limit(limits, "memory", 1),
        };
    }

    static string Local(VolumeMount mount, IReadOnlyDictionary<string, string> volumes)
    {
        if (!volumes.TryGetValue(mount.Name, out var directory))
            throw new ConfigErrorException($"volumeMount \"{mount.Name}\" names no volume of the pod");
        if (string.IsNullOrEmpty(mount.SubPath))
            return directory;
        if (mount.SubPath.Split('/').Contains("..") || Path.IsPathRooted(mount.SubPath))
            throw new ConfigErrorException($"volumeMount \"{mount.Name}\": subPath \"{mount.SubPath}\" must stay inside its volume");
        var below = Path.Combine(directory, mount.SubPath);
        if (!File.Exists(below))
            Directory.CreateDirectory(below);
        return below;
    }

    static long? Limit(IReadOnlyDictionary<string, string>? limits, string name, int factor)
    {
        if (limits?.GetValueOrDefault(name) is not { } text)
            return null;
        return Quantity.TryParse(text, out var value) && value > 0 && value < long.MaxValue / factor
            ? (long)(value * factor)
            : throw new ConfigErrorException($"limit {name}: \"{text}\" is not a positive quantity, for example 500m or 2Gi");
    }
}
