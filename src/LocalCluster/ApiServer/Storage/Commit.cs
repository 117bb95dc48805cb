using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>A change that the store is asked to make if the object is still at the revision that the change was computed from.</summary>
/// <param name="Resource">Storage name of the resource, such as <c>pods</c> or <c>videotasks.framelease.dev</c>.</param>
/// <param name="Key">Names the object.</param>
/// <param name="Expected">The revision of the version that was read; 0 when the object must not exist.</param>
/// <param name="Object">The new state, or for a deletion the last one. The store writes the resourceVersion into it.</param>
/// <param name="IsDelete">Removes the object.</param>
/// <param name="Guard">Looks at the state right before the change; throws to refuse it.</param>
sealed record Commit(
    string Resource,
    ObjectKey Key,
    long Expected,
    JsonObject Object,
    bool IsDelete = false,
    Action<StoreState>? Guard = null)
{
    /// <summary>The committed version, or null when the object had changed in between.</summary>
    public TaskCompletionSource<StoredObject?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
