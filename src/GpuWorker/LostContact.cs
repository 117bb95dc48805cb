namespace Framelease.GpuWorker;

/// <summary>How a holder ends that stops by itself without contact.</summary>
static class LostContact
{
    /// <summary>
    /// From SIGTERM to SIGKILL: at most half of what it waited, because its pool may hand the slot on by time after twice that (R4), and the
    /// last process is to be gone well before.
    /// </summary>
    public static TimeSpan Grace(int stopAfterSeconds, int drainGraceSeconds) =>
        TimeSpan.FromSeconds(Math.Min(drainGraceSeconds, stopAfterSeconds / 2.0));
}
