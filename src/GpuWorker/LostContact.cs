namespace Framelease.GpuWorker;

/// <summary>What a holder does without contact: how often it tries, and how it ends where it stops by itself.</summary>
static class LostContact
{
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20), LongestCall = TimeSpan.FromSeconds(10);

    const int ShortestTimeout = 2;

    /// <summary>
    /// Longest pause between two tries: an operator that was blind counts a full timeout anew from when it sees again, and each holder has to be
    /// heard well within it.
    /// </summary>
    public static TimeSpan Pause(int heartbeatTimeoutSeconds) => AtMost(LongestPause, heartbeatTimeoutSeconds);

    /// <summary>Longest wait for the answer to one beat, for the same reason.</summary>
    public static TimeSpan Call(int heartbeatTimeoutSeconds) => AtMost(LongestCall, heartbeatTimeoutSeconds);

    // No pool allows a timeout below 2 s; an operator that tells of less must not make its holders storm it.
    static TimeSpan AtMost(TimeSpan most, int timeout) =>
        timeout / 4.0 < most.TotalSeconds ? TimeSpan.FromSeconds(Math.Max(timeout, ShortestTimeout) / 4.0) : most;

    /// <summary>
    /// From SIGTERM to SIGKILL: at most half of what it waited, because its pool may hand the slot on by time after twice that (R4), and the
    /// last process is to be gone well before.
    /// </summary>
    public static TimeSpan Grace(int stopAfterSeconds, int drainGraceSeconds) =>
        TimeSpan.FromSeconds(Math.Min(drainGraceSeconds, stopAfterSeconds / 2.0));
}
