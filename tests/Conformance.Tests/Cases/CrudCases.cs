using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Create, get, replace and delete of single objects.</summary>
public abstract class CrudCases(Server server)
{
    Api Api => server.Api;

    [Case]
    public async Task A_created_object_gets_uid_revision_time_and_generation()
    {
        var ns = await server.NewNamespace();
        var created = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        var metadata = created.Json["metadata"]!;
        Guid.TryParse(created.Uid, out _).ShouldBeTrue();
        ulong.Parse(created.Revision).ShouldBeGreaterThan(0ul);
        metadata["generation"]!.GetValue<int>().ShouldBe(1);
        metadata["namespace"]!.GetValue<string>().ShouldBe(ns);
        DateTimeOffset.Parse(metadata["creationTimestamp"]!.GetValue<string>()).ShouldBe(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(2));
        (await Api.Get(Widgets.Of(ns, "a"))).Json.ToJsonString().ShouldBe(created.Json.ToJsonString());
    }

    [Case]
    public async Task A_second_object_of_the_same_name_is_refused()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        var refused = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldFail(409, "AlreadyExists");
        refused.Message.ShouldBe("widgets.conformance.framelease.dev \"a\" already exists");
        refused.Json["details"]!["name"]!.GetValue<string>().ShouldBe("a");
        refused.Json["details"]!["kind"]!.GetValue<string>().ShouldBe("widgets");
    }

    [Case]
    public async Task A_missing_object_is_not_found()
    {
        var ns = await server.NewNamespace();
        var missing = (await Api.Get(Widgets.Of(ns, "nobody"))).ShouldFail(404, "NotFound");
        missing.Message.ShouldBe("widgets.conformance.framelease.dev \"nobody\" not found");
        (await Api.Get($"/api/v1/namespaces/{ns}/configmaps/nobody")).ShouldFail(404, "NotFound").Message.ShouldBe("configmaps \"nobody\" not found");
    }

    [Case]
    public async Task A_generated_name_begins_with_its_prefix_and_is_new_each_time()
    {
        var ns = await server.NewNamespace();
        const string Body = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"run-"}}""";
        var names = new HashSet<string>();
        for (var i = 0; i < 5; i++)
            names.Add((await Api.Post($"/api/v1/namespaces/{ns}/configmaps", Body)).ShouldBe(201).Name);
        names.Count.ShouldBe(5);
        names.ShouldAllBe(name => name.StartsWith("run-") && name.Length == 9);
    }

    [Case]
    public async Task A_created_object_must_not_bring_a_revision()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"resourceVersion\":\"1\""))).Code.ShouldBeOneOf(400, 500);
    }

    [Case(Needs = Needs.Controllers)]
    public async Task Nothing_is_created_in_a_namespace_that_is_not_there() =>
        (await Api.Post(Widgets.In("no-such-namespace"), Widgets.Body("a"))).ShouldFail(404, "NotFound").Message.ShouldContain("no-such-namespace");

    [Case]
    public async Task A_name_that_is_no_subdomain_is_invalid()
    {
        var ns = await server.NewNamespace();
        var refused = (await Api.Post(Widgets.In(ns), Widgets.Body("Not_A_Name"))).ShouldFail(422, "Invalid");
        refused.Fields.ShouldBe(["metadata.name"]);
        refused.Message.ShouldContain("RFC 1123 subdomain");
    }

    [Case]
    public async Task A_name_or_a_prefix_is_required()
    {
        var ns = await server.NewNamespace();
        const string Body = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}""";
        (await Api.Post($"/api/v1/namespaces/{ns}/configmaps", Body)).ShouldFail(422, "Invalid").Message.ShouldContain("name or generateName is required");
    }

    [Case]
    public async Task A_body_of_another_kind_or_version_is_a_bad_request()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a").Replace("\"Widget\"", "\"Gadget\""))).ShouldFail(422, "Invalid").Fields.ShouldBe(["kind"]);
        (await Api.Post($"/api/v1/namespaces/{ns}/configmaps", """{"apiVersion":"v1","kind":"Gadget","metadata":{"name":"a"}}""")).ShouldFail(400, "BadRequest");
        (await Api.Post(Widgets.In(ns), Widgets.Body("a").Replace("dev/v1", "dev/v2"))).ShouldFail(400, "BadRequest");
        (await Api.Post(Widgets.In(ns), "{nonsense")).ShouldFail(400, "BadRequest");
    }

    [Case]
    public async Task A_replace_from_an_old_version_conflicts()
    {
        var ns = await server.NewNamespace();
        var first = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201).Json;
        first["spec"]!["size"] = 2;
        (await Api.Put(Widgets.Of(ns, "a"), first)).ShouldBe(200);
        first["spec"]!["size"] = 3;
        var refused = (await Api.Put(Widgets.Of(ns, "a"), first)).ShouldFail(409, "Conflict");
        refused.Message.ShouldContain("the object has been modified; please apply your changes to the latest version and try again");
    }

    [Case]
    public async Task A_replace_of_a_custom_object_must_name_its_version()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        var refused = (await Api.Put(Widgets.Of(ns, "a"), Widgets.Body("a"))).ShouldFail(422, "Invalid");
        refused.Fields.ShouldBe(["metadata.resourceVersion"]);
        refused.Message.ShouldContain("must be specified for an update");
    }

    [Case]
    public async Task A_replace_of_a_config_map_may_leave_the_version_out()
    {
        var ns = await server.NewNamespace();
        var maps = $"/api/v1/namespaces/{ns}/configmaps";
        (await Api.Post(maps, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"a":"1"}}""")).ShouldBe(201);
        var replaced = (await Api.Put($"{maps}/m", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"b":"2"}}""")).ShouldBe(200);
        replaced.Json["data"]!.ToJsonString().ShouldBe("""{"b":"2"}""");
    }

    [Case]
    public async Task A_replace_cannot_rename_or_take_another_uid()
    {
        var ns = await server.NewNamespace();
        var created = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201).Json;
        var renamed = created.DeepClone();
        renamed["metadata"]!["name"] = "b";
        (await Api.Put(Widgets.Of(ns, "a"), renamed)).ShouldFail(400, "BadRequest");
        created["metadata"]!["uid"] = Guid.NewGuid().ToString();
        (await Api.Put(Widgets.Of(ns, "a"), created)).ShouldFail(409, "Conflict").Message.ShouldContain("UID in precondition");
    }

    [Case]
    public async Task A_replace_that_changes_nothing_keeps_the_revision()
    {
        var ns = await server.NewNamespace();
        var created = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Put(Widgets.Of(ns, "a"), created.Json)).ShouldBe(200).Revision.ShouldBe(created.Revision);
    }

    [Case]
    public async Task The_generation_counts_changes_of_the_spec_only()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        int Generation(Reply reply) => reply.ShouldBe(200).Json["metadata"]!["generation"]!.GetValue<int>();
        Generation(await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"labels":{"x":"y"}}}""")).ShouldBe(1);
        Generation(await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"size":2}}""")).ShouldBe(2);
        Generation(await Api.Merge(Widgets.Of(ns, "a") + "/status", """{"status":{"phase":"Up"}}""")).ShouldBe(2);
    }

    [Case]
    public async Task Fields_of_the_server_cannot_be_written()
    {
        var ns = await server.NewNamespace();
        var created = (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"uid\":\"mine\",\"creationTimestamp\":\"2001-01-01T00:00:00Z\""))).ShouldBe(201);
        created.Uid.ShouldNotBe("mine");
        var patched = await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"creationTimestamp":"2001-01-01T00:00:00Z","generation":77}}""");
        patched.ShouldBe(200).Json["metadata"]!["creationTimestamp"]!.ToJsonString().ShouldBe(created.Json["metadata"]!["creationTimestamp"]!.ToJsonString());
        patched.Json["metadata"]!["generation"]!.GetValue<int>().ShouldBe(1);
    }

    [Case]
    public async Task A_deletion_answers_with_the_uid_and_the_object_is_gone()
    {
        var ns = await server.NewNamespace();
        var created = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        var deleted = (await Api.Delete(Widgets.Of(ns, "a"))).ShouldBe(200);
        deleted.Json["status"]!.GetValue<string>().ShouldBe("Success");
        deleted.Json["details"]!["uid"]!.GetValue<string>().ShouldBe(created.Uid);
        (await Api.Get(Widgets.Of(ns, "a"))).ShouldFail(404, "NotFound");
        (await Api.Delete(Widgets.Of(ns, "a"))).ShouldFail(404, "NotFound");
    }

    [Case]
    public async Task A_deletion_with_a_wrong_precondition_conflicts()
    {
        var ns = await server.NewNamespace();
        var created = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Delete(Widgets.Of(ns, "a"), $$$"""{"preconditions":{"uid":"{{{Guid.NewGuid()}}}"}}""")).ShouldFail(409, "Conflict");
        (await Api.Delete(Widgets.Of(ns, "a"), """{"preconditions":{"resourceVersion":"1"}}""")).ShouldFail(409, "Conflict");
        (await Api.Delete(Widgets.Of(ns, "a"), $$$"""{"preconditions":{"uid":"{{{created.Uid}}}","resourceVersion":"{{{created.Revision}}}"}}""")).ShouldBe(200);
    }

    [Case]
    public async Task A_collection_is_deleted_by_selector()
    {
        var ns = await server.NewNamespace();
        foreach (var (name, app) in new[] { ("a", "x"), ("b", "y"), ("c", "x") })
            (await Api.Post(Widgets.In(ns), Widgets.Body(name, metadata: $$$"""
                "labels":{"app":"{{{app}}}"}
                """))).ShouldBe(201);
        (await Api.Delete($"{Widgets.In(ns)}?labelSelector=app%3Dx")).ShouldBe(200);
        (await Api.Get(Widgets.In(ns))).Names.ShouldBe(["b"]);
    }

    [Case]
    public async Task A_dry_run_changes_nothing()
    {
        var ns = await server.NewNamespace();
        (await Api.Post($"{Widgets.In(ns)}?dryRun=All", Widgets.Body("a"))).ShouldBe(201).Json["spec"]!["color"]!.GetValue<string>().ShouldBe("Red");
        (await Api.Get(Widgets.Of(ns, "a"))).ShouldFail(404, "NotFound");
        var created = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        var tried = await Api.Patch($"{Widgets.Of(ns, "a")}?dryRun=All", """{"spec":{"size":9}}""", "application/merge-patch+json");
        tried.ShouldBe(200).Json["spec"]!["size"]!.GetValue<int>().ShouldBe(9);
        (await Api.Delete($"{Widgets.Of(ns, "a")}?dryRun=All")).ShouldBe(200);
        (await Api.Get(Widgets.Of(ns, "a"))).ShouldBe(200).Revision.ShouldBe(created.Revision);
    }

    [Case]
    public async Task Unknown_paths_and_methods_are_refused()
    {
        var ns = await server.NewNamespace();
        (await Api.Get("/apis/conformance.framelease.dev/v1/nothings")).Code.ShouldBe(404);
        (await Api.Get("/apis/no.such.group/v1/things")).Code.ShouldBe(404);
        (await Api.Put(Widgets.In(ns), Widgets.Body("a"))).Code.ShouldBeOneOf(400, 405);
        (await Api.Put($"/api/v1/namespaces/{ns}/configmaps", "{}")).ShouldFail(405, "MethodNotAllowed");
    }

    [Case]
    public async Task Labels_and_annotations_are_checked()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"labels\":{\"bad key\":\"v\"}"))).ShouldFail(422, "Invalid");
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"labels\":{\"key\":\"bad value!\"}"))).ShouldFail(422, "Invalid");
        var huge = new string('x', 300 * 1024);
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: $"\"annotations\":{{\"big\":\"{huge}\"}}"))).ShouldFail(422, "Invalid");
    }

    [Case]
    public async Task A_body_beyond_the_limit_is_refused()
    {
        var ns = await server.NewNamespace();
        var huge = new string('x', 4 * 1024 * 1024);
        (await Api.Post($"/api/v1/namespaces/{ns}/configmaps", $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"a":"{{{huge}}}"}}"""))
            .Code.ShouldBe(413);
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class CrudCasesOnLocalCluster(LocalServer server) : CrudCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class CrudCasesOnGivenServer(GivenServer server) : CrudCases(server);
