using System.Text.RegularExpressions;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Images;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Node.Volumes;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Node.Pods;

/// <summary>
/// One container through its runs. Which runs there were is read from the runtime, never remembered only here: after a restart of the node
/// the next step goes on where the records stand.
/// </summary>
sealed partial class ContainerTrack(Container spec, string podUid, NodeContext node, bool restartsWhenDone)
{
    static readonly TimeSpan RetryObstacle = TimeSpan.FromSeconds(2), RetryServer = TimeSpan.FromMilliseconds(500);

    readonly EnvironmentResolver _environment = new(node.Client);
    readonly List<TimeSpan> _ran = [];
    RunId _run = new(podUid, spec.Name, 0);
    ExitRecord? _previous;
    Obstacle? _obstacle;
    DateTimeOffset _retryAt;
    string? _program;
    Task? _waiting;
    int? _stoppedWith;
    bool _lost;

    /// <summary>
    /// Told to the API server as started, but without records here: it must never be started again, and what is left of it must end first.
    /// </summary>
    internal bool IsLost => _lost && State is RunState.Absent;

    internal RunState State => node.Runtime.Look(_run);

    /// <summary>False once no process of this container is left, or none was begun.</summary>
    internal bool MayRun => State is RunState.Active || _waiting is { IsCompleted: false };

    internal ContainerView View(Pod pod, bool restarts)
    {
        var state = State;
        var will = restarts && state is RunState.Ended { Exit: var exit } && Restarts(pod, exit);
        return new ContainerView(spec, _run, state, _previous, _obstacle, will, _program);
    }

    /// <summary>Takes up what an earlier node left: its runs on disk, and what it had told the API server.</summary>
    internal void Restore(Pod pod, IReadOnlyList<RunId> known, Action ended)
    {
        foreach (var run in known)
            if (run.Container == spec.Name)
            {
                if (run.Number > _run.Number && node.Runtime.Look(_run) is RunState.Ended { Exit: var exit })
                    Remember(exit);
                _run = run;
            }
        var reported = (pod.Status?.ContainerStatuses ?? []).Concat(pod.Status?.InitContainerStatuses ?? []).FirstOrDefault(status => status.Name == spec.Name);
        if (State is RunState.Absent && pod.Status?.Phase is not ("Succeeded" or "Failed") && reported?.State is { Running: not null } or { Terminated: not null })
        {
            _lost = true;
            _run = _run with { Number = reported.RestartCount };
            _waiting = EndedAsync(_run, ended);
        }
    }

    /// <summary>Starts or restarts if that is due. Returns when to look again; null = when something happens.</summary>
    internal async Task<DateTimeOffset?> AdvanceAsync(Pod pod, PodVolumes volumes, Action ended, CancellationToken ct)
    {
        var state = State;
        if (state is RunState.Active || IsLost)
        {
            Attend(ended);
            return IsLost ? node.Time.GetUtcNow() + RetryObstacle : null;
        }
        if (state is RunState.Ended { Exit: var exit })
        {
            if (!Restarts(pod, exit))
                return null;
            var ran = _ran.Append(Lasted(exit)).ToList();
            var due = exit.FinishedAt + CrashBackOff.After(ran);
            if (due > node.Time.GetUtcNow())
            {
                if (_obstacle?.Reason != Obstacle.CrashLoop)
                    node.Events.Say(pod, "Warning", "BackOff", $"Back-off restarting failed container {spec.Name}");
                _obstacle = new(Obstacle.CrashLoop, $"back-off {CrashBackOff.After(ran).TotalSeconds:0}s restarting failed container={spec.Name}");
                return due;
            }
            Remember(exit);
            _run = _run with { Number = _run.Number + 1 };
            _obstacle = null;
            _retryAt = default;
            _waiting = null;
        }
        if (_retryAt > node.Time.GetUtcNow())
            return _retryAt;
        await StartAsync(pod, volumes, ended, ct);
        return _obstacle is null ? null : _retryAt;
    }

    /// <summary>Asks a run to end; again only if the grace got shorter.</summary>
    internal void Stop(Pod pod, int graceSeconds, Action ended)
    {
        if (State is not RunState.Active)
            return;
        Attend(ended);
        if (_stoppedWith <= graceSeconds)
            return;
        if (_stoppedWith is null)
            node.Events.Say(pod, "Normal", "Killing", $"Stopping container {spec.Name}");
        node.Runtime.Stop(_run, graceSeconds);
        _stoppedWith = graceSeconds;
    }

    async Task StartAsync(Pod pod, PodVolumes volumes, Action ended, CancellationToken ct)
    {
        try
        {
            if (!DnsLabel().IsMatch(spec.Name))
                throw new ConfigErrorException($"container name \"{spec.Name}\" must be a DNS label of at most 63 characters");
            var image = node.Images.Find(spec.Image);
            _program = image.Program;
            if (!volumes.Prepared)
                await volumes.PrepareAsync(ct);
            var variables = await _environment.ResolveAsync(pod, spec, ct);
            var plan = LaunchPlanner.Plan(pod, spec, image, variables, volumes.Directories, node.Paths);
            _stoppedWith = null;
            var state = await node.Runtime.StartAsync(_run, plan, ct);
            _obstacle = null;
            _waiting = EndedAsync(_run, ended);
            Tell(pod, state);
        }
        catch (ImageUnavailableException e)
        {
            Hinder(pod, Obstacle.ImageUnavailable, e.Message);
        }
        catch (ConfigErrorException e)
        {
            Hinder(pod, Obstacle.ConfigError, e.Message);
        }
        catch (Exception e) when (e is SpawnException or IOException or UnauthorizedAccessException)
        {
            Hinder(pod, "CreateContainerError", e.Message);
        }
        catch (KubernetesException e)
        {
            // Not the pod's fault; the server comes back.
            _obstacle = new(Obstacle.Creating, e.Message);
            _retryAt = node.Time.GetUtcNow() + RetryServer;
        }
    }

    void Hinder(Pod pod, string reason, string message)
    {
        if (_obstacle?.Message != message)
            node.Events.Say(pod, "Warning", "Failed", $"Container {spec.Name}: {reason}: {message}");
        _obstacle = new(reason, message);
        _retryAt = node.Time.GetUtcNow() + RetryObstacle;
    }

    void Tell(Pod pod, RunState state)
    {
        if (state is RunState.Ended { Exit: { Reason: "StartError" } exit })
            node.Events.Say(pod, "Warning", "Failed", $"Container {spec.Name} could not be started: {exit.Message}");
        else
            node.Events.Say(pod, "Normal", "Started", $"Started container {spec.Name}");
        if (state is RunState.Active { Limits: var limits } && (limits.Contains("not enforced") || limits.Contains("sampled")))
            node.Events.Say(pod, "Warning", "LimitsNotEnforced", $"Container {spec.Name}: {limits}; no writable control group here");
    }

    void Attend(Action ended)
    {
        if (_waiting is null or { IsCompleted: true }) // completed while the run is active: it failed, for example on a full disk
            _waiting = EndedAsync(_run, ended);
    }

    async Task EndedAsync(RunId run, Action ended)
    {
        await node.Runtime.WaitAsync(run, CancellationToken.None);
        ended();
    }

    void Remember(ExitRecord exit)
    {
        _ran.Add(Lasted(exit));
        _previous = exit;
    }

    static TimeSpan Lasted(ExitRecord exit) => exit.FinishedAt - (exit.StartedAt ?? exit.FinishedAt);

    bool Restarts(Pod pod, ExitRecord exit) => (pod.Spec?.RestartPolicy ?? "Always") switch
    {
        "Never" => false,
        "OnFailure" => exit.ExitCode != 0,
        _ => restartsWhenDone || exit.ExitCode != 0,
    };

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", RegexOptions.ExplicitCapture)]
    private static partial Regex DnsLabel();
}
