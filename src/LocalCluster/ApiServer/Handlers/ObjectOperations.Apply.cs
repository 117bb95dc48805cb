using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.ManagedFields;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Handlers;

sealed partial class ObjectOperations
{
    /// <summary>Server-side apply: lays a configuration over the object, or creates it.</summary>
    /// <param name="type">The served type.</param>
    /// <param name="key">Names the object.</param>
    /// <param name="config">What the manager wants; is changed.</param>
    /// <param name="isStatus">Applies only the status.</param>
    /// <param name="options">Names the manager, and whether it takes fields by force.</param>
    /// <exception cref="ApiException">409 with a cause for each field that somebody else owns.</exception>
    public async Task<(JsonObject Item, bool Created)> ApplyAsync(
        ResourceType type, ObjectKey key, JsonObject config, bool isStatus, WriteOptions options)
    {
        KeepOwnPart(config, type, isStatus);
        AppliedShape.Check(config, fields.SchemaOf(type));
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            if (store.State.Find(type.Store, key) is not null)
            {
                try
                {
                    return (await WriteAsync(type, key, old => Apply(type, old, config, isStatus, options), isStatus, options), false);
                }
                catch (ApiException error) when (error.Code == 404 && !isStatus)
                {
                    continue; // deleted meanwhile
                }
            }

            if (isStatus)
                throw ApiErrors.NotFound(type, key.Name);
            try
            {
                return (await CreateAppliedAsync(type, key, config, options), true);
            }
            catch (ApiException error) when (error.Reason == "AlreadyExists")
            {
                // Created meanwhile.
            }
        }

        throw ApiErrors.Modified(type, key.Name);
    }

    Task<JsonObject> CreateAppliedAsync(ResourceType type, ObjectKey key, JsonObject config, WriteOptions options)
    {
        if (config.Obj("metadata").Str("uid") is { Length: > 0 } uid)
        {
            throw ApiErrors.Conflict(type, key.Name,
                $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        }

        options.Warnings.Clear();
        var (item, owners) = fields.Apply(type, null, config, [], options.Manager, "", options.Force);
        item.Obj("metadata")!.Remove("resourceVersion");
        return CreateAsync(type, key.Namespace, item, owners, options);
    }

    Change Apply(ResourceType type, JsonObject old, JsonObject config, bool isStatus, WriteOptions options)
    {
        var (item, owners) = fields.Apply(
            type, old, config, ManagedEntries.Read(old.Obj("metadata")), options.Manager, isStatus ? "status" : "", options.Force);
        LastApplied.Refresh(item, config, options.Manager);
        return new Change(item, owners);
    }

    /// <summary>Drops from a configuration what its path does not write.</summary>
    static void KeepOwnPart(JsonObject config, ResourceType type, bool isStatus)
    {
        if (!isStatus)
        {
            if (type.HasStatus)
                config.Remove("status");
            return;
        }

        foreach (var name in config.Select(member => member.Key)
            .Where(name => name is not ("apiVersion" or "kind" or "metadata" or "status")).ToList())
            config.Remove(name);
        var metadata = config.Obj("metadata")!;
        foreach (var name in metadata.Select(member => member.Key)
            .Where(name => name is not ("name" or "namespace" or "uid" or "resourceVersion")).ToList())
            metadata.Remove(name);
    }
}
