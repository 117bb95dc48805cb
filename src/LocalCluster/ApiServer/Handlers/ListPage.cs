using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>What one list request answers.</summary>
/// <param name="Revision">The revision of the snapshot that the list shows.</param>
/// <param name="Items">The objects.</param>
/// <param name="Continue">Where the next page starts; empty on the last.</param>
/// <param name="Remaining">How many are left, when that is known without filtering.</param>
sealed record ListPage(long Revision, IReadOnlyList<StoredObject> Items, string Continue, long? Remaining)
{
    public void AddPaging(JsonObject metadata)
    {
        if (Continue.Length == 0)
            return;
        metadata["continue"] = Continue;
        if (Remaining is { } left)
            metadata["remainingItemCount"] = left;
    }
}
