namespace Framelease.LocalCluster.Shim.Records;

/// <summary>
/// The files of one run of one container, written by the node (spec, stop) and by its shim (claim, state, exit). They are what a restarted
/// node knows: spec without claim = not started; claim without exit = may be running; exit = over, no process of the tree is left.
/// </summary>
readonly record struct ContainerDirectory(string Path)
{
    internal string Spec => System.IO.Path.Combine(Path, "spec");

    internal string State => System.IO.Path.Combine(Path, "state.json");

    internal string Exit => System.IO.Path.Combine(Path, "exit.json");

    /// <summary>Seconds of grace, as text; read by the shim when SIGTERM arrives.</summary>
    internal string Stop => System.IO.Path.Combine(Path, "stop");

    /// <summary>
    /// Taken by exactly one: the shim before it starts the program, or a node that found a spec whose shim never came.
    /// So a shim that was delayed until after the node gave the container up starts nothing.
    /// </summary>
    internal bool TryClaim()
    {
        try
        {
            using var file = File.OpenHandle(System.IO.Path.Combine(Path, "claim"), FileMode.CreateNew, FileAccess.Write);
            return true;
        }
        catch (IOException) when (IsClaimed)
        {
            return false;
        }
    }

    internal bool IsClaimed => File.Exists(System.IO.Path.Combine(Path, "claim"));
}
