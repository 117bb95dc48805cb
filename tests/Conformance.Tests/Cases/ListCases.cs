using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Lists: selectors, pages, revisions, tables and metadata only.</summary>
public abstract class ListCases(Server server)
{
    const string TableForm = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

    Api Api => server.Api;

    async Task<string> NewWidgets(params (string Name, string Labels)[] widgets)
    {
        var ns = await server.NewNamespace();
        foreach (var (name, labels) in widgets)
            (await Api.Post(Widgets.In(ns), Widgets.Body(name, metadata: $"\"labels\":{{{labels}}}"))).ShouldBe(201);
        return ns;
    }

    [Case]
    public async Task A_list_is_sorted_by_name_and_carries_kind_and_revision()
    {
        var ns = await NewWidgets(("c", ""), ("a", ""), ("b", ""));
        var list = (await Api.Get(Widgets.In(ns))).ShouldBe(200);
        list.Json["kind"]!.GetValue<string>().ShouldBe("WidgetList");
        list.Json["apiVersion"]!.GetValue<string>().ShouldBe("conformance.framelease.dev/v1");
        list.Names.ShouldBe(["a", "b", "c"]);
        ulong.Parse(list.Revision).ShouldBeGreaterThan(0ul);
    }

    [Case]
    public async Task Labels_select_by_equality_sets_and_existence()
    {
        var ns = await NewWidgets(("a", "\"app\":\"x\",\"tier\":\"1\""), ("b", "\"app\":\"y\""), ("c", ""));
        async Task Selects(string selector, params string[] names) =>
            (await Api.Get($"{Widgets.In(ns)}?labelSelector={Uri.EscapeDataString(selector)}")).ShouldBe(200).Names.ShouldBe(names, selector);
        await Selects("app=x", "a");
        await Selects("app==x", "a");
        await Selects("app!=x", "b", "c");
        await Selects("app in (x,y)", "a", "b");
        await Selects("app notin (x)", "b", "c");
        await Selects("app", "a", "b");
        await Selects("!app", "c");
        await Selects("app=x,tier=1", "a");
        await Selects("app=x,tier!=1");
        (await Api.Get($"{Widgets.In(ns)}?labelSelector=app%3D%3D%3D")).ShouldFail(400, "BadRequest");
    }

    [Case]
    public async Task Fields_select_by_name_and_namespace()
    {
        var ns = await NewWidgets(("a", ""), ("b", ""));
        (await Api.Get($"{Widgets.In(ns)}?fieldSelector=metadata.name%3Da")).Names.ShouldBe(["a"]);
        (await Api.Get($"{Widgets.In(ns)}?fieldSelector=metadata.name!%3Da")).Names.ShouldBe(["b"]);
        (await Api.Get($"{Widgets.Group}/widgets?fieldSelector=metadata.namespace%3D{ns}")).Names.ShouldBe(["a", "b"]);
        (await Api.Get($"{Widgets.In(ns)}?fieldSelector=spec.nothing%3Da")).ShouldFail(400, "BadRequest");
    }

    [Case]
    public async Task Pods_are_selected_by_node_and_phase()
    {
        var ns = await server.NewNamespace();
        var pods = $"/api/v1/namespaces/{ns}/pods";
        foreach (var (name, node) in new[] { ("p1", "n1"), ("p2", "n2") })
        {
            (await Api.Post(pods, $$$"""
                {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}"},"spec":{"nodeName":"{{{node}}}","containers":[{"name":"a","image":"i:1"}]}}
                """)).ShouldBe(201);
        }

        (await Api.Merge($"{pods}/p2/status", """{"status":{"phase":"Running"}}""")).ShouldBe(200);
        (await Api.Get($"{pods}?fieldSelector=spec.nodeName%3Dn1")).Names.ShouldBe(["p1"]);
        (await Api.Get($"{pods}?fieldSelector=status.phase%3DRunning")).Names.ShouldBe(["p2"]);
        (await Api.Get($"{pods}?fieldSelector=status.phase%3DRunning,spec.nodeName%3Dn1")).Names.ShouldBeEmpty();
    }

    [Case]
    public async Task Pages_show_the_snapshot_of_the_first_page_while_writes_go_on()
    {
        var ns = await NewWidgets([.. Enumerable.Range(0, 7).Select(i => ($"w{i}", ""))]);
        var first = (await Api.Get($"{Widgets.In(ns)}?limit=3")).ShouldBe(200);
        first.Names.ShouldBe(["w0", "w1", "w2"]);
        first.Json["metadata"]!["remainingItemCount"]!.GetValue<int>().ShouldBe(4);
        (await Api.Post(Widgets.In(ns), Widgets.Body("w3a"))).ShouldBe(201);
        (await Api.Delete(Widgets.Of(ns, "w4"))).ShouldBe(200);

        string Next(Reply page) => Uri.EscapeDataString(page.Json["metadata"]!["continue"]!.GetValue<string>());
        var second = (await Api.Get($"{Widgets.In(ns)}?limit=3&continue={Next(first)}")).ShouldBe(200);
        second.Names.ShouldBe(["w3", "w4", "w5"]);
        second.Revision.ShouldBe(first.Revision);
        var third = (await Api.Get($"{Widgets.In(ns)}?limit=3&continue={Next(second)}")).ShouldBe(200);
        third.Names.ShouldBe(["w6"]);
        (third.Json["metadata"]!["continue"]?.GetValue<string>() ?? "").ShouldBe("");
    }

    [Case]
    public async Task A_continue_token_that_is_none_is_refused()
    {
        var ns = await NewWidgets();
        (await Api.Get($"{Widgets.In(ns)}?limit=1&continue=nonsense")).ShouldFail(400, "BadRequest");
    }

    [Case]
    public async Task A_revision_from_the_future_is_too_large()
    {
        var ns = await NewWidgets(("a", ""));
        var future = ulong.Parse((await Api.Get(Widgets.In(ns))).Revision) + 1_000_000;
        var refused = (await Api.Get($"{Widgets.In(ns)}?resourceVersion={future}&resourceVersionMatch=NotOlderThan")).ShouldFail(504, "Timeout");
        refused.Message.ShouldContain("Too large resource version");
    }

    [Case]
    public async Task A_revision_of_zero_or_of_the_past_is_satisfied_by_the_present()
    {
        var ns = await NewWidgets(("a", ""));
        var past = (await Api.Get(Widgets.Of(ns, "a"))).Revision;
        (await Api.Get($"{Widgets.In(ns)}?resourceVersion=0")).ShouldBe(200);
        (await Api.Get($"{Widgets.In(ns)}?resourceVersion={past}")).ShouldBe(200).Names.ShouldContain("a");
    }

    [Case]
    public async Task Metadata_alone_can_be_asked_for()
    {
        var ns = await NewWidgets(("a", "\"x\":\"y\""));
        var list = (await Api.Get(Widgets.In(ns), "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")).ShouldBe(200);
        list.Json["kind"]!.GetValue<string>().ShouldBe("PartialObjectMetadataList");
        var item = list.Items.ShouldHaveSingleItem();
        item.ContainsKey("spec").ShouldBeFalse();
        item["metadata"]!["labels"]!["x"]!.GetValue<string>().ShouldBe("y");
    }

    [Case]
    public async Task A_table_has_the_declared_columns_and_cells()
    {
        var ns = await NewWidgets(("a", ""));
        (await Api.Merge(Widgets.Of(ns, "a") + "/status",
            """{"status":{"conditions":[{"type":"Other","status":"False"},{"type":"Ready","status":"True"}]}}""")).ShouldBe(200);
        var table = (await Api.Get(Widgets.In(ns), TableForm)).ShouldBe(200);
        table.Json["kind"]!.GetValue<string>().ShouldBe("Table");
        table.Json["columnDefinitions"]!.AsArray().Select(c => c!["name"]!.GetValue<string>()).ShouldBe(["Name", "Size", "Ready", "Color", "Age"]);
        table.Json["columnDefinitions"]!.AsArray().Select(c => c!["priority"]!.GetValue<int>()).ShouldBe([0, 0, 0, 1, 0]);
        var row = table.Json["rows"]!.AsArray().ShouldHaveSingleItem()!;
        var cells = row["cells"]!.AsArray();
        cells[0]!.GetValue<string>().ShouldBe("a");
        cells[1]!.GetValue<int>().ShouldBe(1);
        cells[2]!.GetValue<string>().ShouldBe("True");
        cells[3]!.GetValue<string>().ShouldBe("Red");
        cells[4]!.GetValue<string>().ShouldMatch("^[0-9]+s$");
        row["object"]!["kind"]!.GetValue<string>().ShouldBe("PartialObjectMetadata");
    }

    [Case]
    public async Task A_table_of_one_object_may_include_it_or_nothing()
    {
        var ns = await NewWidgets(("a", ""));
        var whole = (await Api.Get($"{Widgets.Of(ns, "a")}?includeObject=Object", TableForm)).ShouldBe(200);
        whole.Json["rows"]![0]!["object"]!["spec"]!["size"]!.GetValue<int>().ShouldBe(1);
        var bare = (await Api.Get($"{Widgets.Of(ns, "a")}?includeObject=None", TableForm)).ShouldBe(200);
        bare.Json["rows"]![0]!["object"].ShouldBeNull();
    }

    [Case]
    public async Task Two_hundred_objects_created_at_once_are_all_there()
    {
        var ns = await server.NewNamespace();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async i => (await Api.Post(Widgets.In(ns), Widgets.Body($"w{i}"))).ShouldBe(201)));
        var list = (await Api.Get(Widgets.In(ns))).ShouldBe(200);
        list.Names.Count().ShouldBe(200);
        list.Items.Select(item => item["metadata"]!["resourceVersion"]!.GetValue<string>()).Distinct().Count().ShouldBe(200);
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class ListCasesOnLocalCluster(LocalServer server) : ListCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class ListCasesOnGivenServer(GivenServer server) : ListCases(server);
