using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Hosting;

/// <summary>What every cluster has from its first start on.</summary>
static class FirstObjects
{
    static readonly string[] Namespaces = ["default", "kube-system", "kube-public", "kube-node-lease", "framelease-system"];

    public static Task CreateAsync(ObjectOperations operations, ResourceTable table, StoreState state)
    {
        var namespaces = table.FindStore("namespaces")!;
        // Together, so that they share one flush.
        return Task.WhenAll(Namespaces
            .Where(name => state.Find(namespaces.Store, new ObjectKey("", name)) is null)
            .Select(name => operations.CreateAsync(namespaces, "", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, new WriteOptions())));
    }
}
