// Page after page of a list, through the compaction of the server.
namespace Framelease.Kubernetes.Client;

static class Paging
{
    public static async Task<KubernetesList<T>> ListAllAsync<T>(
        IKubernetesClient client, ResourceRef resource, string? ns, ListOptions options, int pageSize, CancellationToken ct)
        where T : class
    {
        for (var restarted = false; ; restarted = true)
        {
            try
            {
                return await PagesAsync<T>(client, resource, ns, options with { Limit = pageSize, Continue = null }, ct);
            }
            catch (KubernetesException error) when (error.IsGone && options.ResourceVersion is null)
            {
                // The token outlived what the server keeps (five minutes, as a rule). Who is too slow for pages twice gets one list.
                if (restarted)
                    return await client.ListAsync<T>(resource, ns, options with { Limit = null, Continue = null }, ct);
            }
        }
    }

    static async Task<KubernetesList<T>> PagesAsync<T>(
        IKubernetesClient client, ResourceRef resource, string? ns, ListOptions next, CancellationToken ct)
        where T : class
    {
        var items = new List<T>();
        while (true)
        {
            var page = await client.ListAsync<T>(resource, ns, next, ct);
            items.AddRange(page.Items);
            if (page.Continue is not { } token)
                return page with { Items = items };
            next = next with { Continue = token, ResourceVersion = null, ResourceVersionMatch = null };
        }
    }
}
