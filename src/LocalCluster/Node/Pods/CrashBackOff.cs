namespace Framelease.LocalCluster.Node.Pods;

/// <summary>How long a restart waits, as the kubelet does it: the first at once, then 10 s doubling to 5 min; ten good minutes start over.</summary>
static class CrashBackOff
{
    static readonly TimeSpan First = TimeSpan.FromSeconds(10), Longest = TimeSpan.FromMinutes(5), Good = TimeSpan.FromMinutes(10);

    /// <param name="ran">How long each run of the container lasted, oldest first.</param>
    internal static TimeSpan After(IReadOnlyList<TimeSpan> ran)
    {
        var wait = TimeSpan.Zero;
        for (var i = 1; i < ran.Count; i++)
            wait = ran[i] >= Good ? TimeSpan.Zero : wait == TimeSpan.Zero ? First : wait * 2 < Longest ? wait * 2 : Longest;
        return wait;
    }
}
