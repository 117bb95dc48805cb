namespace Framelease.LocalCluster.ApiServer.Storage;

enum StoreEventType
{
    Added,
    Modified,
    Deleted,
}

/// <summary>What one committed write did. <see cref="Object"/> is the new state, or the last one of a deleted object.</summary>
sealed record StoreEvent(StoreEventType Type, StoredObject Object, StoredObject? Previous)
{
    public long Revision => Object.Revision;
}
