namespace Framelease.GpuWorker;

/// <summary>
/// How long to go on with something that fails. Time in which the operator does not answer either does not count: then it is the network or the
/// platform, and the work waits for it (R5).
/// </summary>
sealed class Patience(TimeSpan most, TimeProvider time)
{
    long? _since;

    public bool Lasts(bool operatorAnswers)
    {
        if (!operatorAnswers)
        {
            _since = null;
            return true;
        }

        _since ??= time.GetTimestamp();
        return time.GetElapsedTime(_since.Value) < most;
    }
}
