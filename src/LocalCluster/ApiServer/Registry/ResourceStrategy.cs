using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;

namespace Framelease.LocalCluster.ApiServer.Registry;

/// <summary>What is particular about writing objects of one resource. The base is right for a plain object.</summary>
class ResourceStrategy
{
    public static readonly ResourceStrategy Default = new();

    /// <summary>An update without resourceVersion overwrites whatever is there; custom resources must give one.</summary>
    public virtual bool AllowsUnconditionalUpdate => true;

    /// <summary>A deletion answers with the last state of the object instead of a Status.</summary>
    public virtual bool ReturnsDeleted => false;

    /// <summary>Names of objects are DNS labels rather than the longer DNS subdomains.</summary>
    public virtual NameRule Names => NameRule.Subdomain;

    /// <summary>Sets what the server decides about a new object.</summary>
    public virtual void PrepareForCreate(JsonObject item)
    {
    }

    /// <summary>Keeps from the old object what an update must not change silently.</summary>
    public virtual void PrepareForUpdate(JsonObject item, JsonObject old)
    {
    }

    /// <summary>Problems beyond the schema. <paramref name="old"/> is null for a new object.</summary>
    public virtual IEnumerable<FieldError> Validate(JsonObject item, JsonObject? old) => [];

    /// <summary>Things worth a <c>Warning:</c> header.</summary>
    public virtual IEnumerable<string> Warnings(JsonObject item) => [];

    /// <summary>Seconds that a deletion leaves to whoever runs the object; 0 deletes at once.</summary>
    public virtual long GraceOnDelete(JsonObject item, long? asked) => 0;

    /// <summary>Refuses a deletion by throwing.</summary>
    public virtual void CheckDelete(ResourceType type, JsonObject item)
    {
    }

    /// <summary>Whether the object waits for something else than metadata.finalizers before it goes.</summary>
    public virtual bool HoldsDeletion(JsonObject item) => false;

    /// <summary>Called when a deletion begins and the object stays for now.</summary>
    public virtual void PrepareForDeletion(JsonObject item)
    {
    }

    /// <summary>Stored form to the form of a served version, when they differ.</summary>
    public virtual void ToServed(JsonObject item, ResourceType type)
    {
    }

    /// <summary>Served form to the stored one.</summary>
    public virtual void ToStored(JsonObject item, ResourceType type)
    {
    }

    /// <summary>The stored bytes can be sent as they are.</summary>
    public virtual bool IsServedAsStored(ResourceType type) => true;
}

enum NameRule
{
    /// <summary>Lower-case DNS-1123 subdomain, at most 253 characters.</summary>
    Subdomain,

    /// <summary>Lower-case DNS-1123 label, at most 63 characters.</summary>
    Label,
}
