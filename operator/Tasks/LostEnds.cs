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
        OutputStatus?[] outputs = seen.Output is { } whole ? [whole] : [.. seen.Scenes?.Select(s => s.Output) ?? []];
        if (!LostHistory.Is(seen.Conditions, "Succeeded") || outputs.Length == 0 || outputs.Any(o => o is not { Key: not null, Sha256: not null }))
        {
            var failed = seen.Conditions?.FirstOrDefault(c => c.Type == "Failed");
            return new TaskCommand.EndAgain(seen.Reason ?? failed?.Reason ?? LostHistory.Condition, failed?.Message ?? "as its status told");
        }

        foreach (var output in outputs.OfType<OutputStatus>())
        {
            var found = await store.HeadAsync(output.Key!, cancel);
            if (found is null || found.Sha256 != output.Sha256 || found.Size != output.Bytes)
                return new TaskCommand.EndAgain(LostHistory.Condition, LostHistory.OutputGone(output));
        }

        return new TaskCommand.Readopt(seen.Output is { } one
            ? [new OutputReadopted(UriOf(one), one.Key!, one.Sha256!, one.Bytes!.Value)]
            : [.. seen.Scenes!.Select(s => new SceneReadopted(s.Index, UriOf(s.Output!), s.Output!.Key!, s.Output.Sha256!, s.Output.Bytes!.Value))]);
    }

    string UriOf(OutputStatus output) => output.Uri ?? store.UriOf(output.Key!).ToString();
}
