namespace Framelease.Operator;

/// <summary>Every log line of the operator. Event ids are stable.</summary>
static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "operator {Identity} serves {Url}")]
    public static partial void Serving(ILogger logger, string identity, string url);

    [LoggerMessage(2, LogLevel.Information, "leads {Role} in epoch {Epoch}")]
    public static partial void LeadershipTaken(ILogger logger, string role, long epoch);

    [LoggerMessage(3, LogLevel.Error, "leadership lost: {Why}; the process ends and starts over")]
    public static partial void LeadershipLost(ILogger logger, string why);

    [LoggerMessage(4, LogLevel.Warning, "PostgreSQL is not available: {Why}")]
    public static partial void DatabaseUnavailable(ILogger logger, string why);

    [LoggerMessage(5, LogLevel.Information, "lease {Lease} acquired: slot {Slot}, token {Token}")]
    public static partial void LeaseGranted(ILogger logger, string lease, string slot, long token);

    [LoggerMessage(6, LogLevel.Warning, "task {Task} scene {Scene} attempt {Attempt}: no beat for {Seconds:0} s, lease expired")]
    public static partial void HeartbeatLost(ILogger logger, string task, int scene, int attempt, double seconds);

    [LoggerMessage(7, LogLevel.Warning, "observation resumed after {Gap:0.0} s (clock drift {Drift:0.0} s): every deadline starts anew")]
    public static partial void ObservationResumed(ILogger logger, double gap, double drift);

    [LoggerMessage(8, LogLevel.Warning, "refused {Write} of pod {Pod}: {Reason}: {Why}")]
    public static partial void Refused(ILogger logger, string write, string pod, string reason, string why);

    [LoggerMessage(9, LogLevel.Information, "worker {Pod} attached: task {Task} scene {Scene} attempt {Attempt} token {Token}")]
    public static partial void Attached(ILogger logger, string pod, string task, int scene, int attempt, long token);

    [LoggerMessage(10, LogLevel.Information, "task {Task} scene {Scene} attempt {Attempt} committed {Key}")]
    public static partial void Committed(ILogger logger, string task, int scene, int attempt, string key);

    [LoggerMessage(11, LogLevel.Information, "slot {Slot} freed: {Proof}")]
    public static partial void SlotFreed(ILogger logger, string slot, string proof);

    [LoggerMessage(12, LogLevel.Error, "request failed")]
    public static partial void RequestFailed(ILogger logger, Exception error);

    [LoggerMessage(13, LogLevel.Warning, "Kubernetes is not available: {Why}")]
    public static partial void KubernetesUnavailable(ILogger logger, string why);

    [LoggerMessage(14, LogLevel.Warning, "authority taken over: {Reason}. {Slots} slots are in quarantine until proof; tokens go on above {Floor}")]
    public static partial void AuthorityTaken(ILogger logger, string reason, long slots, long floor);

    [LoggerMessage(40, LogLevel.Warning, "lease {Lease} of {Holder}: held for {Seconds} s, longer than usual")]
    public static partial void LeaseWarned(ILogger logger, string lease, string holder, int seconds);

    [LoggerMessage(41, LogLevel.Warning, "lease {Lease} of {Holder}: asked to end within {Grace} s: {Why}")]
    public static partial void LeaseDrains(ILogger logger, string lease, string holder, int grace, string why);

    [LoggerMessage(42, LogLevel.Information, "lease {Lease} of {Holder}: released by force: {Why}")]
    public static partial void LeaseForced(ILogger logger, string lease, string holder, string why);

    [LoggerMessage(43, LogLevel.Warning, "lease {Lease}: beats come, and nothing moved for {Seconds} s")]
    public static partial void LeaseStalled(ILogger logger, string lease, int seconds);

    [LoggerMessage(44, LogLevel.Information, "lease {Lease}: something moves again")]
    public static partial void LeaseProgressed(ILogger logger, string lease);

    [LoggerMessage(45, LogLevel.Error, "{Leases} leases of {Scope} fell silent at once: nothing expires there until they are heard again, or for {Seconds} s beyond each one's timeout")]
    public static partial void MassSilence(ILogger logger, int leases, string scope, double seconds);

    [LoggerMessage(46, LogLevel.Information, "silence of {Scope} is judged lease by lease again")]
    public static partial void MassSilenceOver(ILogger logger, string scope);

    [LoggerMessage(47, LogLevel.Warning, "lease {Lease}: its holder {Holder} has not beaten for {Seconds:0} s, expired")]
    public static partial void HolderLost(ILogger logger, string lease, string holder, double seconds);

    [LoggerMessage(48, LogLevel.Information, "lease {Lease} acquired by hand: {User} runs holder {Holder}, token {Token}")]
    public static partial void HolderAttached(ILogger logger, string lease, string user, string holder, long token);

    [LoggerMessage(49, LogLevel.Information, "lease {Lease} released by its holder {Holder}: {Reason}")]
    public static partial void HolderReleased(ILogger logger, string lease, string holder, string reason);

    [LoggerMessage(50, LogLevel.Warning, "device {Device} of {Node} is degraded: {Why}")]
    public static partial void DeviceDegraded(ILogger logger, string node, string device, string why);

    [LoggerMessage(54, LogLevel.Error, "pod {Pod} was refused its device: {Why}")]
    public static partial void DeviceConflict(ILogger logger, string pod, string why);

    [LoggerMessage(55, LogLevel.Warning, "pod {Pod} sees {Count} devices and leased one {Resource}: which one it uses is not on record")]
    public static partial void DevicesAmbiguous(ILogger logger, string pod, int count, string resource);

    [LoggerMessage(51, LogLevel.Information, "device {Device} of {Node} is on probation: {Why}")]
    public static partial void DeviceOnProbation(ILogger logger, string node, string device, string why);

    [LoggerMessage(52, LogLevel.Information, "device {Device} of {Node} is back in service: {Why}")]
    public static partial void DeviceReturned(ILogger logger, string node, string device, string why);

    [LoggerMessage(53, LogLevel.Warning,
        "lease {Lease}: {Holder} should have lost it ({Why}); its pool detects only, a person has to end it")]
    public static partial void DeadlockDetected(ILogger logger, string lease, string holder, string why);

    [LoggerMessage(15, LogLevel.Information, "{Count} records of old commands removed")]
    public static partial void CommandsPruned(ILogger logger, long count);

    [LoggerMessage(41, LogLevel.Information, "sink {Sink} was told: {Title}")]
    public static partial void NotificationSent(ILogger logger, string sink, string title);

    [LoggerMessage(42, LogLevel.Warning, "sink {Sink} did not take a notification, try {Tries}: {Why}")]
    public static partial void NotificationRetried(ILogger logger, string sink, int tries, string why);

    [LoggerMessage(43, LogLevel.Error, "sink {Sink} was not told, and will not be: {Why}")]
    public static partial void NotificationGivenUp(ILogger logger, string sink, string why);

    [LoggerMessage(40, LogLevel.Warning, "metrics of {Source} are missing in this scrape: {Why}")]
    public static partial void MetricsIncomplete(ILogger logger, string source, string why);

    [LoggerMessage(56, LogLevel.Warning, "task {Namespace}/{Name} ({Uid}) runs by the log and its VideoTask is gone: cancelled")]
    public static partial void OrphanCancelled(ILogger logger, string @namespace, string name, string uid);
}
