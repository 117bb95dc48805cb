using Framelease.Domain;
using Framelease.Domain.Tasks;
using Framelease.ObjectStorage;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Tasks;

/// <summary>
/// Tasks that ended in a part of the history that was lost (R12) are not run a second time: committed bytes are re-adopted by their digest,
/// and what had ended otherwise, or whose bytes are gone, stays ended.
/// </summary>
sealed class LostEnds(ILedger ledger, IObjectStore store)
{
    /// <returns>The task as it is after it; unchanged while it is not accepted.</returns>
    public async Task<Loaded<TaskState>> EndAsync(VideoTask task, Loaded<TaskState> loaded, LeaderEpoch epoch, CancellationToken cancel)
    {
        var decision = TaskDecider.Decide(loaded.State, await WhatAsync(task.Status!, cancel));
        if (decision is not Decision<ITaskEvent>.Events { Items.Count: > 0 } events)
            return loaded;
        await ledger.CommitAsync(
            new LedgerCommit("operator", [new TaskChange(task.Metadata.Uid!, loaded, events.Items)], [], epoch), cancel);
        return await ledger.LoadTaskAsync(task.Metadata.Uid!, cancel);
    }

    async Task<TaskCommand> WhatAsync(VideoTaskStatus seen, CancellationToken cancel)
    {
        if (!LostHistory.Is(seen.Conditions, "Succeeded") || seen.Output is not { Key: { } key, Sha256: { } sha256 } output)
        {
            var failed = seen.Conditions?.FirstOrDefault(c => c.Type == "Failed");
            return new TaskCommand.EndAgain(seen.Reason ?? failed?.Reason ?? LostHistory.Condition, failed?.Message ?? "as its status told");
        }

        var found = await store.HeadAsync(key, cancel);
        return found is not null && found.Sha256 == sha256 && found.Size == output.Bytes
            ? new TaskCommand.Readopt(new OutputReadopted(output.Uri ?? store.UriOf(key).ToString(), key, sha256, found.Size))
            : new TaskCommand.EndAgain(LostHistory.Condition, LostHistory.OutputGone(output));
    }
}
