using System.Text.RegularExpressions;

namespace Framelease.NodeAgent.Looking;

/// <summary>
/// Whose a process is by its cgroup paths. A kubelet names a pod's cgroup by its UID: <c>/kubepods/burstable/podUID/…</c> with the
/// cgroupfs driver, <c>/kubepods.slice/…/kubepods-burstable-podUID.slice/…</c> with systemd's, where its hyphens become underscores.
/// </summary>
static partial class Cgroups
{
    public static bool IsOfPod(string cgroup, string podUid) =>
        podUid.Length > 0 && (cgroup.Contains(podUid, StringComparison.OrdinalIgnoreCase)
            || cgroup.Contains(podUid.Replace('-', '_'), StringComparison.OrdinalIgnoreCase));

    public static bool IsOfAnyPod(string cgroup) => cgroup.Contains("kubepods", StringComparison.Ordinal) && PodName().IsMatch(cgroup);

    // Pods of files (static ones) have 32 digits without hyphens.
    [GeneratedRegex("pod[0-9a-fA-F]{8}(?:[-_]?[0-9a-fA-F]{4}){3}[-_]?[0-9a-fA-F]{12}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex PodName();
}
