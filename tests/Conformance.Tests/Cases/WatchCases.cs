using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Watches: order, resumption, selectors, bookmarks, expiry.</summary>
public abstract class WatchCases(Server server)
{
    Api Api => server.Api;

    [Case]
    public async Task Changes_arrive_in_order_with_growing_revisions()
    {
        var ns = await server.NewNamespace();
        var start = (await Api.Get(Widgets.In(ns))).Revision;
        using var watch = await Api.Watch($"{Widgets.In(ns)}?resourceVersion={start}");
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"size":2}}""")).ShouldBe(200);
        (await Api.Delete(Widgets.Of(ns, "a"))).ShouldBe(200);
        var lines = new[] { await watch.Change(), await watch.Change(), await watch.Change() };
        lines.Select(line => line.Type).ShouldBe(["ADDED", "MODIFIED", "DELETED"]);
        var revisions = lines.Select(line => ulong.Parse(line.Revision)).ToList();
        revisions.ShouldBe(revisions.Order().Distinct());
        lines[2].Object["spec"]!["size"]!.GetValue<int>().ShouldBe(2);
    }

    [Case]
    public async Task A_watch_resumes_after_the_revision_that_it_names()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        var seen = (await Api.Post(Widgets.In(ns), Widgets.Body("b"))).ShouldBe(201).Revision;
        (await Api.Post(Widgets.In(ns), Widgets.Body("c"))).ShouldBe(201);
        (await Api.Delete(Widgets.Of(ns, "a"))).ShouldBe(200);
        using var watch = await Api.Watch($"{Widgets.In(ns)}?resourceVersion={seen}");
        var (first, second) = (await watch.Change(), await watch.Change());
        (first.Type, first.Name).ShouldBe(("ADDED", "c"));
        (second.Type, second.Name).ShouldBe(("DELETED", "a"));
    }

    [Case]
    public async Task A_watch_without_a_revision_begins_with_what_is_there()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Post(Widgets.In(ns), Widgets.Body("b"))).ShouldBe(201);
        foreach (var query in new[] { "", "?resourceVersion=0" })
        {
            using var watch = await Api.Watch(Widgets.In(ns) + query);
            var lines = new[] { await watch.Change(), await watch.Change() };
            lines.ShouldAllBe(line => line.Type == "ADDED");
            lines.Select(line => line.Name).Order().ShouldBe(["a", "b"]);
            // Nothing came twice: the next line is the next write's.
            var next = (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"labels":{"from":"QUERY"}}}""".Replace("QUERY", $"w{query.Length}"))).ShouldBe(200);
            (await watch.Change()).Revision.ShouldBe(next.Revision);
        }
    }

    [Case]
    public async Task An_object_that_leaves_or_enters_the_selection_is_deleted_or_added()
    {
        var ns = await server.NewNamespace();
        var start = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201).Revision;
        using var watch = await Api.Watch($"{Widgets.In(ns)}?resourceVersion={start}&labelSelector=app%3Dx");
        (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"labels":{"app":"x"}}}""")).ShouldBe(200);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"size":2}}""")).ShouldBe(200);
        var left = (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"labels":{"app":"y"}}}""")).ShouldBe(200).Revision;
        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"size":3}}""")).ShouldBe(200);
        (await watch.Change()).Type.ShouldBe("ADDED");
        (await watch.Change()).Type.ShouldBe("MODIFIED");
        var last = await watch.Change();
        last.Type.ShouldBe("DELETED");
        last.Revision.ShouldBe(left);
        // Of the writes outside the selection nothing is told: the next line is the one that enters again.
        var entered = (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"labels":{"app":"x"}}}""")).ShouldBe(200).Revision;
        (await watch.Change()).Revision.ShouldBe(entered);
    }

    [Case]
    public async Task One_object_is_watched_by_its_name()
    {
        var ns = await server.NewNamespace();
        var start = (await Api.Get(Widgets.In(ns))).Revision;
        using var watch = await Api.Watch($"{Widgets.In(ns)}?resourceVersion={start}&fieldSelector=metadata.name%3Db");
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Post(Widgets.In(ns), Widgets.Body("b"))).ShouldBe(201);
        (await watch.Change()).Name.ShouldBe("b");
        (await Api.Post(Widgets.In(ns), Widgets.Body("c"))).ShouldBe(201);
        (await Api.Delete(Widgets.Of(ns, "b"))).ShouldBe(200);
        var last = await watch.Change();
        (last.Type, last.Name).ShouldBe(("DELETED", "b"));
    }

    [Case]
    public async Task A_watch_of_all_namespaces_sees_each_and_one_of_a_namespace_only_its_own()
    {
        var (one, two) = (await server.NewNamespace(), await server.NewNamespace());
        var start = (await Api.Get($"{Widgets.Group}/widgets")).Revision;
        using var all = await Api.Watch($"{Widgets.Group}/widgets?resourceVersion={start}");
        using var only = await Api.Watch($"{Widgets.In(two)}?resourceVersion={start}");
        (await Api.Post(Widgets.In(one), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Post(Widgets.In(two), Widgets.Body("b"))).ShouldBe(201);
        (await all.Change()).Name.ShouldBe("a");
        (await all.Change()).Name.ShouldBe("b");
        (await only.Change()).Name.ShouldBe("b");
    }

    [Case]
    public async Task A_watch_ends_when_its_time_is_up()
    {
        var ns = await server.NewNamespace();
        using var watch = await Api.Watch($"{Widgets.In(ns)}?timeoutSeconds=1&resourceVersion=0");
        while (await watch.Next() is not null)
        {
        }
    }

    [Case]
    public async Task Initial_events_end_with_an_annotated_bookmark()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        using var watch = await Api.Watch(
            $"{Widgets.In(ns)}?sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=");
        (await watch.Next())!.Name.ShouldBe("a");
        var bookmark = (await watch.Next())!;
        bookmark.Type.ShouldBe("BOOKMARK");
        bookmark.Object["kind"]!.GetValue<string>().ShouldBe("Widget");
        bookmark.Object["metadata"]!["annotations"]!["k8s.io/initial-events-end"]!.GetValue<string>().ShouldBe("true");
        var created = (await Api.Post(Widgets.In(ns), Widgets.Body("b"))).ShouldBe(201);
        ulong.Parse(bookmark.Revision).ShouldBeLessThan(ulong.Parse(created.Revision));
        (await watch.Change()).Name.ShouldBe("b");
    }

    [Case]
    public async Task A_table_watch_sends_headings_once()
    {
        var ns = await server.NewNamespace();
        var start = (await Api.Get(Widgets.In(ns))).Revision;
        using var watch = await Api.Watch($"{Widgets.In(ns)}?resourceVersion={start}", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Post(Widgets.In(ns), Widgets.Body("b"))).ShouldBe(201);
        var (first, second) = ((await watch.Next())!, (await watch.Next())!);
        first.Object["kind"]!.GetValue<string>().ShouldBe("Table");
        first.Object["columnDefinitions"]!.AsArray().Count.ShouldBe(5);
        first.Object["rows"]![0]!["cells"]![0]!.GetValue<string>().ShouldBe("a");
        (second.Object["columnDefinitions"]?.AsArray().Count ?? 0).ShouldBe(0);
    }

    [Case(Needs = Needs.BoundedHistory)]
    public async Task A_revision_before_the_kept_history_is_expired()
    {
        var ns = await server.NewNamespace();
        var maps = $"/api/v1/namespaces/{ns}/configmaps";
        (await Api.Post(maps, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"}}""")).ShouldBe(201);
        var old = (await Api.Get($"{maps}/m")).Revision;
        // More bytes than the history keeps.
        var big = new string('x', 900_000);
        for (var i = 0; i < 24; i++)
            (await Api.Merge($"{maps}/m", $$$"""{"data":{"big":"{{{i}}}{{{big}}}"}}""")).ShouldBe(200);
        using var watch = await Api.Watch($"{maps}?resourceVersion={old}");
        var error = (await watch.Next())!;
        error.Type.ShouldBe("ERROR");
        error.Object["code"]!.GetValue<int>().ShouldBe(410);
        error.Object["reason"]!.GetValue<string>().ShouldBe("Expired");
        (await watch.Next()).ShouldBeNull();
    }

    [Case]
    public async Task Fifty_watchers_all_see_every_change()
    {
        var ns = await server.NewNamespace();
        var start = (await Api.Get(Widgets.In(ns))).Revision;
        var watches = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Api.Watch($"{Widgets.In(ns)}?resourceVersion={start}")));
        for (var i = 0; i < 10; i++)
            (await Api.Post(Widgets.In(ns), Widgets.Body($"w{i}"))).ShouldBe(201);
        foreach (var watch in watches)
        {
            for (var i = 0; i < 10; i++)
                (await watch.Change()).Name.ShouldBe($"w{i}");
            watch.Dispose();
        }
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class WatchCasesOnLocalCluster(LocalServer server) : WatchCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class WatchCasesOnGivenServer(GivenServer server) : WatchCases(server);
