using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>One version of one object: immutable, kept as the bytes that clients are sent.</summary>
sealed class StoredObject(string resource, ObjectKey key, long revision, byte[] json)
{
    public string Resource { get; } = resource;
    public ObjectKey Key { get; } = key;
    public long Revision { get; } = revision;
    public byte[] Json { get; } = json;
    public ObjectHeader Header { get; } = ObjectHeader.Read(json);

    /// <summary>A fresh tree that the caller may change.</summary>
    public JsonObject Parse() => JsonReading.ParseObject(Json);
}
