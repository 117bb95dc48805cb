using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Every type of patch.</summary>
public abstract class PatchCases(Server server)
{
    Api Api => server.Api;

    async Task<string> NewWidget(string spec)
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", spec))).ShouldBe(201);
        return Widgets.Of(ns, "a");
    }

    async Task<string> NewMap()
    {
        var ns = await server.NewNamespace();
        var maps = $"/api/v1/namespaces/{ns}/configmaps";
        (await Api.Post(maps, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"a":"1","b":"2"}}""")).ShouldBe(201);
        return $"{maps}/m";
    }

    [Case]
    public async Task A_merge_patch_merges_objects_replaces_lists_and_removes_by_null()
    {
        var path = await NewWidget("""{"size":1,"owner":"me","tags":["x","y"],"free":{"a":1,"b":{"c":2}}}""");
        var patched = (await Api.Merge(path, """{"spec":{"size":2,"tags":["z"],"free":{"a":null,"b":{"d":3}}}}""")).ShouldBe(200);
        var spec = patched.Json["spec"]!;
        spec["size"]!.GetValue<int>().ShouldBe(2);
        spec["owner"]!.GetValue<string>().ShouldBe("me");
        spec["tags"]!.ToJsonString().ShouldBe("""["z"]""");
        spec["free"]!.ToJsonString().ShouldBe("""{"b":{"c":2,"d":3}}""");
    }

    [Case]
    public async Task A_json_patch_adds_removes_replaces_copies_moves_and_tests()
    {
        var path = await NewWidget("""{"size":1,"tags":["x"],"free":{"a":1,"b/c":2}}""");
        var patched = (await Api.JsonPatch(path, """
            [{"op":"test","path":"/spec/size","value":1},
             {"op":"replace","path":"/spec/size","value":7},
             {"op":"add","path":"/spec/tags/-","value":"y"},
             {"op":"add","path":"/spec/tags/0","value":"w"},
             {"op":"copy","from":"/spec/free/a","path":"/spec/free/copied"},
             {"op":"move","from":"/spec/free/b~1c","path":"/spec/free/moved"},
             {"op":"remove","path":"/spec/free/a"}]
            """)).ShouldBe(200);
        var spec = patched.Json["spec"]!;
        spec["size"]!.GetValue<int>().ShouldBe(7);
        spec["tags"]!.ToJsonString().ShouldBe("""["w","x","y"]""");
        spec["free"]!.AsObject().ToDictionary(pair => pair.Key, pair => pair.Value!.GetValue<int>())
            .ShouldBe(new Dictionary<string, int> { ["copied"] = 1, ["moved"] = 2 }, ignoreOrder: true);
    }

    [Case]
    public async Task A_json_patch_whose_test_fails_changes_nothing()
    {
        var path = await NewWidget("""{"size":1}""");
        (await Api.JsonPatch(path, """[{"op":"replace","path":"/spec/size","value":7},{"op":"test","path":"/spec/size","value":99}]""")).Code.ShouldBe(422);
        (await Api.JsonPatch(path, """[{"op":"remove","path":"/spec/nothing"}]""")).Code.ShouldBe(422);
        (await Api.Get(path)).Json["spec"]!["size"]!.GetValue<int>().ShouldBe(1);
    }

    [Case]
    public async Task A_patch_with_an_old_revision_conflicts()
    {
        var path = await NewWidget("""{"size":1}""");
        var old = (await Api.Get(path)).Revision;
        (await Api.Merge(path, """{"spec":{"size":2}}""")).ShouldBe(200);
        (await Api.Merge(path, $$$"""{"metadata":{"resourceVersion":"{{{old}}}"},"spec":{"size":3}}""")).ShouldFail(409, "Conflict");
    }

    [Case]
    public async Task A_patch_that_changes_nothing_keeps_the_revision()
    {
        var path = await NewWidget("""{"size":1}""");
        var before = (await Api.Get(path)).Revision;
        (await Api.Merge(path, """{"spec":{"size":1}}""")).ShouldBe(200).Revision.ShouldBe(before);
    }

    [Case]
    public async Task A_patch_is_validated()
    {
        var path = await NewWidget("""{"size":1}""");
        (await Api.Merge(path, """{"spec":{"size":1000}}""")).ShouldFail(422, "Invalid").Fields.ShouldBe(["spec.size"]);
        (await Api.Merge(path, """{"spec":null}""")).ShouldFail(422, "Invalid");
        (await Api.Merge(path, "not json")).Code.ShouldBe(400);
    }

    [Case]
    public async Task Patch_types_that_do_not_fit_are_refused()
    {
        var path = await NewWidget("""{"size":1}""");
        (await Api.Patch(path, "{}", "application/unknown")).ShouldFail(415, "UnsupportedMediaType");
        (await Api.Strategic(path, """{"spec":{"size":2}}""")).ShouldFail(415, "UnsupportedMediaType");
    }

    [Case]
    public async Task A_patch_of_a_missing_object_is_not_found()
    {
        var ns = await server.NewNamespace();
        (await Api.Merge(Widgets.Of(ns, "nobody"), """{"spec":{"size":2}}""")).ShouldFail(404, "NotFound");
    }

    [Case]
    public async Task Concurrent_patches_without_a_revision_all_take_effect()
    {
        var path = await NewMap();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i => (await Api.Merge(path, $$$"""{"data":{"k{{{i}}}":"v"}}""")).ShouldBe(200)));
        (await Api.Get(path)).Json["data"]!.AsObject().Count.ShouldBe(22);
    }

    [Case]
    public async Task A_strategic_patch_of_a_config_map_merges_its_data()
    {
        var path = await NewMap();
        var patched = (await Api.Strategic(path, """{"data":{"a":null,"c":"3"},"metadata":{"labels":{"x":"y"}}}""")).ShouldBe(200);
        patched.Json["data"]!.ToJsonString().ShouldBe("""{"b":"2","c":"3"}""");
    }

    [Case]
    public async Task A_strategic_patch_merges_containers_by_name_and_environment_by_name()
    {
        var ns = await server.NewNamespace();
        var pods = $"/api/v1/namespaces/{ns}/pods";
        (await Api.Post(pods, """
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","finalizers":["a.example.com/x"]},
             "spec":{"containers":[{"name":"a","image":"i:1"},{"name":"b","image":"i:2"}]}}
            """)).ShouldBe(201);
        var patched = (await Api.Strategic($"{pods}/p", """
            {"metadata":{"finalizers":["a.example.com/y"]},"spec":{"containers":[{"name":"b","image":"i:3"}]}}
            """)).ShouldBe(200);
        var images = patched.Json["spec"]!["containers"]!.AsArray().ToDictionary(c => c!["name"]!.GetValue<string>(), c => c!["image"]!.GetValue<string>());
        images.ShouldBe(new Dictionary<string, string> { ["a"] = "i:1", ["b"] = "i:3" }, ignoreOrder: true);
        patched.Json["metadata"]!["finalizers"]!.AsArray().Select(f => f!.GetValue<string>()).ShouldBe(["a.example.com/x", "a.example.com/y"], ignoreOrder: true);
        (await Api.Merge($"{pods}/p", """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
    }

    [Case]
    public async Task A_strategic_patch_can_delete_from_lists()
    {
        var ns = await server.NewNamespace();
        var accounts = $"/api/v1/namespaces/{ns}/serviceaccounts";
        (await Api.Post(accounts, """
            {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"s"},"secrets":[{"name":"a"},{"name":"b"}]}
            """)).ShouldBe(201);
        var patched = (await Api.Strategic($"{accounts}/s", """{"secrets":[{"name":"a","$patch":"delete"},{"name":"c"}]}""")).ShouldBe(200);
        patched.Json["secrets"]!.AsArray().Select(s => s!["name"]!.GetValue<string>()).ShouldBe(["b", "c"], ignoreOrder: true);
    }

    async Task<string> NewPod(string spec, string metadata = "")
    {
        var ns = await server.NewNamespace();
        (await Api.Post($"/api/v1/namespaces/{ns}/pods",
            $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"{{{metadata}}} },"spec":{{{spec}}}}""")).ShouldBe(201);
        return $"/api/v1/namespaces/{ns}/pods/p";
    }

    [Case]
    public async Task A_strategic_patch_replaces_a_map_when_told_to()
    {
        var path = await NewMap();
        (await Api.Strategic(path, """{"data":{"$patch":"replace","z":"9"}}""")).ShouldBe(200).Json["data"]!.ToJsonString()
            .ShouldBe("""{"z":"9"}""");
        (await Api.Strategic(path, """{"data":{"$patch":"delete"}}""")).ShouldBe(200).Json["data"]?.AsObject().Count.ShouldBe(0);
    }

    [Case]
    public async Task A_strategic_patch_replaces_a_list_when_told_to()
    {
        var ns = await server.NewNamespace();
        var accounts = $"/api/v1/namespaces/{ns}/serviceaccounts";
        (await Api.Post(accounts, """
            {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"s"},"secrets":[{"name":"a"},{"name":"b"}]}
            """)).ShouldBe(201);
        (await Api.Strategic($"{accounts}/s", """{"secrets":[{"$patch":"replace"},{"name":"c"}]}""")).ShouldBe(200)
            .Json["secrets"]!.AsArray().Select(secret => secret!["name"]!.GetValue<string>()).ShouldBe(["c"]);
    }

    [Case]
    public async Task A_strategic_patch_takes_values_out_of_a_list_of_texts()
    {
        var path = await NewPod("""{"containers":[{"name":"a","image":"i:1"}]}""",
            ""","finalizers":["a.example.com/x","a.example.com/y"]""");
        (await Api.Strategic(path, """{"metadata":{"$deleteFromPrimitiveList/finalizers":["a.example.com/x"]}}""")).ShouldBe(200)
            .Json["metadata"]!["finalizers"]!.ToJsonString().ShouldBe("""["a.example.com/y"]""");
        (await Api.Merge(path, """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
    }

    [Case]
    public async Task A_strategic_patch_orders_the_elements_of_a_list()
    {
        var path = await NewPod("""{"containers":[{"name":"a","image":"i:1"},{"name":"b","image":"i:2"}]}""");
        const string Status = """{"status":{"conditions":[{"type":"A","status":"True"},{"type":"B","status":"True"}]}}""";
        (await Api.Strategic($"{path}/status", Status)).ShouldBe(200);
        var patched = (await Api.Strategic($"{path}/status", """
            {"status":{"$setElementOrder/conditions":[{"type":"C"},{"type":"B"},{"type":"A"}],"conditions":[{"type":"C","status":"False"}]}}
            """)).ShouldBe(200);
        patched.Json["status"]!["conditions"]!.AsArray().Select(c => c!["type"]!.GetValue<string>()).ShouldBe(["C", "B", "A"]);
    }

    [Case]
    public async Task A_patch_cannot_move_an_object()
    {
        var path = await NewWidget("""{"size":1}""");
        (await Api.Merge(path, """{"metadata":{"name":"b"}}""")).Code.ShouldBeOneOf(400, 422);
        (await Api.Merge(path, """{"metadata":{"namespace":"default"}}""")).Code.ShouldBeOneOf(400, 422);
        (await Api.Merge(path, """{"kind":"Gadget"}""")).Code.ShouldBeOneOf(400, 422);
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class PatchCasesOnLocalCluster(LocalServer server) : PatchCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class PatchCasesOnGivenServer(GivenServer server) : PatchCases(server);
