namespace Framelease.LocalCluster.Supervision;

/// <summary>The pause before a restart: 0.2 s doubling to 10 s; thirty good seconds start over.</summary>
sealed class RestartBackOff
{
    static readonly TimeSpan First = TimeSpan.FromSeconds(0.2), Longest = TimeSpan.FromSeconds(10), Good = TimeSpan.FromSeconds(30);
    TimeSpan _next = First;

    /// <param name="healthy">How long the child was ready before it ended.</param>
    internal TimeSpan Next(TimeSpan healthy)
    {
        if (healthy >= Good)
            _next = First;
        var pause = _next;
        _next = _next * 2 < Longest ? _next * 2 : Longest;
        return pause;
    }
}
