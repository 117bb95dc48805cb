using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Node.Pods;

/// <summary>Why a container does not run yet; becomes the waiting state.</summary>
sealed record Obstacle(string Reason, string? Message)
{
    internal const string Creating = "ContainerCreating", PodInitializing = "PodInitializing", CrashLoop = "CrashLoopBackOff";
    internal const string ImageUnavailable = "ImageUnavailable", ConfigError = "CreateContainerConfigError";
}

/// <summary>One container of a pod as the node sees it now.</summary>
/// <param name="Number">Of the current or last run; it is the restartCount.</param>
/// <param name="Previous">How the run before ended.</param>
/// <param name="WillRestart">The run has ended and another follows.</param>
sealed record ContainerView(Container Spec, RunId Run, RunState State, ExitRecord? Previous, Obstacle? Obstacle, bool WillRestart, string? Program)
{
    internal bool IsRunning => State is RunState.Active { Main: not null };

    internal ExitRecord? Exit => (State as RunState.Ended)?.Exit;
}

/// <summary>A pod as the node sees it now.</summary>
/// <param name="Final">Nothing of it will run again: it was deleted, ran into its deadline, or the platform stops.</param>
/// <param name="Reason">Pod-level reason of a failure, for example DeadlineExceeded.</param>
sealed record PodView(IReadOnlyList<ContainerView> Init, IReadOnlyList<ContainerView> Main, bool Final = false, string? Reason = null, string? Message = null)
{
    internal IEnumerable<ContainerView> All => Init.Concat(Main);

    internal bool Initialized => Init.All(container => container.Exit is { ExitCode: 0 });
}
