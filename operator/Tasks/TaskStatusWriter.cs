using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Events;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Tasks;

/// <summary>Writes a task's status when it differs from what the object shows, and says the transition as a Kubernetes Event.</summary>
sealed class TaskStatusWriter(IKubernetesClient kubernetes, EventRecorder events)
{
    public async Task WriteAsync(
        VideoTask task, Loaded<TaskState> loaded, Obstacle? obstacle, Obstacle? wait, IReadOnlyDictionary<int, LeaseState> leases, CancellationToken cancel,
        LostHistory? lost = null)
    {
        lost = LostHistory.Of(task.Status, loaded.State) ?? lost;
        var status = TaskStatusView.Of(loaded.State, task.Metadata.Generation, obstacle, wait, leases, loaded.DatabaseNow, task.Status?.Conditions, lost);
        // What only the lost part of the history knew, the object goes on telling.
        if (LostHistory.EndOf(task.Status, loaded.State))
        {
            var told = task.Status!.Conditions!.Where(c => c.Type != LostHistory.Condition);
            status = task.Status with { Conditions = [.. told, .. status.Conditions!.Where(c => c.Type == LostHistory.Condition)] };
        }
        else if (loaded.State.IsReadopted && task.Status is { } told && told.Output?.Sha256 == status.Output?.Sha256)
        {
            status = status with
            {
                Output = told.Output,
                Scenes = status.Output is null ? told.Scenes : status.Scenes,
                Attempts = told.Attempts,
                StartTime = told.StartTime ?? status.StartTime,
            };
        }

        try
        {
            await kubernetes.PatchStatusAsync(task, task with { Status = status }, ct: cancel);
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            return;
        }

        Say(task, task.Status, status);
    }

    void Say(VideoTask task, VideoTaskStatus? before, VideoTaskStatus after)
    {
        if (before?.Phase == after.Phase && before?.Reason == after.Reason && before?.Attempts == after.Attempts)
            return;
        var scene = after.Scenes?.FirstOrDefault(s => s.State is "Attached" or "Starting") ?? after.Scenes?.FirstOrDefault();
        switch (after.Phase)
        {
            case "Succeeded":
                events.Normal(task, "Succeeded", "Reconcile", after.Output is { } output
                    ? $"output {output.Uri}, {output.Bytes} bytes, encoder {output.Encoder}" : Message(after, "Succeeded"));
                break;
            case "Failed":
                events.Warning(task, after.Reason ?? "Failed", "Reconcile", Message(after, "Failed"));
                break;
            case "Running" when scene?.State == "Attached":
                events.Normal(task, "Running", "Reconcile", $"attempt {scene.Attempt} works on {scene.Device ?? "CPU"} under token {scene.Token}");
                break;
            case "Running":
                events.Normal(task, "Starting", "Reconcile", $"attempt {scene?.Attempt} in pod {scene?.Pod}");
                break;
            case "Suspended":
                events.Normal(task, "Suspended", "Reconcile", Message(after, "Suspended"));
                break;
            case "Queued" when after.Reason is not null:
                events.Warning(task, after.Reason, "Reconcile", scene?.Message ?? Message(after, "Running"));
                break;
            case "Queued":
                events.Normal(task, "Queued", "Reconcile", Message(after, "Running"));
                break;
            case "Pending" when after.Reason is not null:
                events.Warning(task, after.Reason, "Reconcile", Message(after, "Accepted"));
                break;
        }
    }

    static string Message(VideoTaskStatus status, string condition) => status.Conditions?.FirstOrDefault(c => c.Type == condition)?.Message ?? "";
}
