using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Server-side apply: who owns what, who is refused, what goes.</summary>
public abstract class ApplyCases(Server server)
{
    const string Owners = "metadata.managedFields must be nil";

    Api Api => server.Api;

    async Task<string> NewPath(string name = "a") => Widgets.Of(await server.NewNamespace(), name);

    static string Config(string spec, string metadata = "", string name = "a") =>
        $$$"""{"apiVersion":"conformance.framelease.dev/v1","kind":"Widget","metadata":"""
            + $$$"""{"name":"{{{name}}}"{{{(metadata.Length > 0 ? $",{metadata}" : "")}}} },"spec":{{{spec}}}}""";

    async Task<string> Created(string spec, string manager = "maker", string metadata = "")
    {
        var path = await NewPath();
        (await Api.Send(HttpMethod.Post, $"{path[..^2]}?fieldManager={manager}", Config(spec, metadata), "application/json")).ShouldBe(201);
        return path;
    }

    [Case]
    public async Task An_apply_creates_what_is_not_there_and_owns_exactly_what_it_said()
    {
        var path = await NewPath();
        var applied = (await Api.Apply(path, "one", Config(
            """{"size":1,"parts":[{"name":"p"}],"tags":["t"],"free":{"u":{"v":[1]}}}""", "\"labels\":{\"x\":\"1\"}"))).ShouldBe(201);
        applied.Owned("one", "Apply").ShouldBe(
            """{"f:metadata":{"f:labels":{"f:x":{}}},"f:spec":{"f:free":{"f:u":{".":{},"f:v":{}}},"f:parts":{"k:{\"name\":\"p\"}":"""
                + """{".":{},"f:name":{}}},"f:size":{},"f:tags":{"v:\"t\"":{}}}}""");
        applied.Json["spec"]!["color"]!.GetValue<string>().ShouldBe("Red");
        applied.Json["metadata"]!["generation"]!.GetValue<int>().ShouldBe(1);
    }

    [Case]
    public async Task An_entry_says_version_time_and_kind_of_fields()
    {
        var path = await NewPath();
        var entry = (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(201).Json["metadata"]!["managedFields"]![0]!;
        entry["apiVersion"]!.GetValue<string>().ShouldBe("conformance.framelease.dev/v1");
        entry["fieldsType"]!.GetValue<string>().ShouldBe("FieldsV1");
        DateTimeOffset.Parse(entry["time"]!.GetValue<string>()).ShouldBeGreaterThan(DateTimeOffset.UnixEpoch);
        entry.AsObject().ContainsKey("subresource").ShouldBeFalse();
    }

    [Case]
    public async Task A_create_owns_everything_it_wrote_defaults_too()
    {
        var path = await Created("""{"size":1,"parts":[{"name":"p"}]}""", metadata: "\"labels\":{\"x\":\"1\"}");
        (await Api.Get(path)).Owned("maker", "Update").ShouldBe(
            """{"f:metadata":{"f:labels":{".":{},"f:x":{}}},"f:spec":{".":{},"f:color":{},"f:nested":{".":{},"f:level":"""
                + """{}},"f:parts":{".":{},"k:{\"name\":\"p\"}":{".":{},"f:count":{},"f:name":{}}},"f:size":{}}}""");
    }

    [Case]
    public async Task The_manager_of_other_writes_is_the_named_one_or_the_program()
    {
        var path = await Created("""{"size":1}""");
        (await Api.Send(HttpMethod.Patch, $"{path}?fieldManager=painter", """{"spec":{"color":"Green"}}""", "application/merge-patch+json"))
            .ShouldBe(200);
        var item = (await Api.Get(path)).ShouldBe(200);
        item.Owned("painter", "Update").ShouldBe("""{"f:spec":{"f:color":{}}}""");
        item.Owned("maker", "Update").ShouldNotContain("f:color");
        var json = item.Json;
        json["spec"]!["size"] = 2;
        (await Api.Send(HttpMethod.Put, $"{path}?fieldManager=", json.ToJsonString(), "application/json")).ShouldBe(200)
            .Owned("unknown", "Update").ShouldBe("""{"f:spec":{"f:size":{}}}""");
    }

    [Case]
    public async Task A_change_of_what_another_owns_conflicts_and_names_owner_and_fields()
    {
        var path = await Created("""{"size":1,"parts":[{"name":"p"}]}""", metadata: "\"labels\":{\"x\":\"1\"}");
        var refused = (await Api.Apply(path, "two", Config("""{"size":2,"parts":[{"name":"p","count":4}]}""", "\"labels\":{\"x\":\"2\"}")))
            .ShouldFail(409, "Conflict");
        refused.Message.ShouldBe("Apply failed with 3 conflicts: conflicts with \"maker\" using conformance.framelease.dev/v1:\n"
            + "- .metadata.labels.x\n- .spec.size\n- .spec.parts[name=\"p\"].count");
        refused.Fields.ShouldBe([".metadata.labels.x", ".spec.size", ".spec.parts[name=\"p\"].count"]);
        var cause = refused.Json["details"]!["causes"]![0]!;
        cause["reason"]!.GetValue<string>().ShouldBe("FieldManagerConflict");
        cause["message"]!.GetValue<string>().ShouldBe("conflict with \"maker\" using conformance.framelease.dev/v1");
        (await Api.Get(path)).Json["spec"]!["size"]!.GetValue<int>().ShouldBe(1);
    }

    [Case]
    public async Task A_conflict_with_an_applier_names_it_without_a_version()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(201);
        (await Api.Apply(path, "two", Config("""{"size":2}"""))).ShouldFail(409, "Conflict")
            .Message.ShouldBe("Apply failed with 1 conflict: conflict with \"one\": .spec.size");
    }

    [Case]
    public async Task Conflicts_with_several_managers_are_listed_by_manager()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(201);
        (await Api.Apply(path, "two", Config("""{"size":1,"owner":"me"}"""))).ShouldBe(200);
        (await Api.Apply(path, "three", Config("""{"size":3,"owner":"you"}"""))).ShouldFail(409, "Conflict")
            .Message.ShouldBe(
                "Apply failed with 3 conflicts: conflicts with \"one\":\n- .spec.size\n"
                + "conflicts with \"two\":\n- .spec.owner\n- .spec.size");
    }

    [Case]
    public async Task Force_takes_fields_from_their_owners()
    {
        var path = await Created("""{"size":1}""");
        var applied = (await Api.Apply(path, "two", Config("""{"size":2}"""), force: true)).ShouldBe(200);
        applied.Owned("two", "Apply").ShouldBe("""{"f:spec":{"f:size":{}}}""");
        applied.Owned("maker", "Update").ShouldNotContain("f:size");
        applied.Json["spec"]!["size"]!.GetValue<int>().ShouldBe(2);
    }

    [Case]
    public async Task The_same_value_is_owned_together()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(201);
        var applied = (await Api.Apply(path, "two", Config("""{"size":1}"""))).ShouldBe(200);
        applied.Owned("one", "Apply").ShouldBe("""{"f:spec":{"f:size":{}}}""");
        applied.Owned("two", "Apply").ShouldBe("""{"f:spec":{"f:size":{}}}""");
    }

    [Case]
    public async Task What_is_not_applied_any_more_goes()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config(
            """{"size":1,"note":"n","parts":[{"name":"p"},{"name":"q"}],"tags":["s","t"],"limits":{"a":1}}""", "\"labels\":{\"x\":\"1\"}")))
                .ShouldBe(201);
        var applied = (await Api.Apply(path, "one", Config("""{"size":1,"parts":[{"name":"q"}],"tags":["t"]}"""))).ShouldBe(200);
        applied.Json["metadata"]!["labels"].ShouldBeNull();
        applied.Json["spec"]!.AsObject().ContainsKey("note").ShouldBeFalse();
        applied.Json["spec"]!.AsObject().ContainsKey("limits").ShouldBeFalse();
        applied.Json["spec"]!["parts"]!.AsArray().Single()!["name"]!.GetValue<string>().ShouldBe("q");
        applied.Json["spec"]!["tags"]!.ToJsonString().ShouldBe("""["t"]""");
    }

    [Case]
    public async Task What_another_owns_too_stays_when_one_lets_go()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1,"note":"n"}"""))).ShouldBe(201);
        (await Api.Apply(path, "two", Config("""{"size":1,"note":"n"}"""))).ShouldBe(200);
        (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(200).Json["spec"]!["note"]!.GetValue<string>().ShouldBe("n");
        (await Api.Apply(path, "two", Config("""{"size":1}"""))).ShouldBe(200).Json["spec"]!.AsObject().ContainsKey("note").ShouldBeFalse();
    }

    [Case]
    public async Task What_a_patch_wrote_stays_when_an_applier_lets_go_of_its_part()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1,"parts":[{"name":"p"}],"limits":{"a":1}}"""))).ShouldBe(201);
        (await Api.JsonPatch(path,
            """[{"op":"add","path":"/spec/parts/-","value":{"name":"q","count":7}},{"op":"add","path":"/spec/limits/b","value":2}]"""))
            .ShouldBe(200);
        var applied = (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(200);
        applied.Json["spec"]!["parts"]!.AsArray().Single()!["name"]!.GetValue<string>().ShouldBe("q");
        applied.Json["spec"]!["limits"]!.ToJsonString().ShouldBe("""{"b":2}""");
    }

    [Case]
    public async Task An_element_that_another_added_to_stays_for_its_part()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1,"parts":[{"name":"p"}]}"""))).ShouldBe(201);
        (await Api.Apply(path, "two", Config("""{"size":1,"parts":[{"name":"p","count":3}]}"""), force: true)).ShouldBe(200);
        var applied = (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(200);
        applied.Json["spec"]!["parts"]!.ToJsonString().ShouldContain("\"count\":3");
        applied.Owned("two", "Apply").ShouldContain("\"f:count\":{}");
    }

    [Case]
    public async Task An_apply_that_changes_nothing_keeps_the_revision()
    {
        var path = await NewPath();
        var before = (await Api.Apply(path, "one", Config("""{"size":1,"parts":[{"name":"p"}]}"""))).ShouldBe(201);
        var again = (await Api.Apply(path, "one", Config("""{"size":1,"parts":[{"name":"p"}]}"""))).ShouldBe(200);
        again.Revision.ShouldBe(before.Revision);
        again.Json["metadata"]!["managedFields"]!.ToJsonString().ShouldBe(before.Json["metadata"]!["managedFields"]!.ToJsonString());
    }

    [Case]
    public async Task Elements_of_a_map_list_merge_by_key_and_keep_their_order()
    {
        var path = await Created("""{"size":1,"parts":[{"name":"a"},{"name":"b"},{"name":"c"}]}""");
        var applied = (await Api.Apply(path, "two", Config("""{"parts":[{"name":"n"},{"name":"b"},{"name":"z"}]}"""))).ShouldBe(200);
        applied.Json["spec"]!["parts"]!.AsArray().Select(part => part!["name"]!.GetValue<string>()).ShouldBe(["a", "n", "b", "c", "z"]);
        applied.Owned("two", "Apply").ShouldBe(
            """{"f:spec":{"f:parts":{"k:{\"name\":\"b\"}":{".":{},"f:name":{}},"k:{\"name\":\"n\"}":{".":{},"f:name":{}},"k:"""
                + """{\"name\":\"z\"}":{".":{},"f:name":{}}}}}""");
    }

    [Case]
    public async Task A_list_without_a_type_has_one_owner_and_is_replaced_whole()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1,"free":{"list":[1,2]}}"""))).ShouldBe(201);
        (await Api.Apply(path, "two", Config("""{"size":1,"free":{"list":[3]}}"""))).ShouldFail(409, "Conflict").Fields
            .ShouldBe([".spec.free.list"]);
        (await Api.Apply(path, "two", Config("""{"size":1,"free":{"list":[3]}}"""), force: true)).ShouldBe(200)
            .Json["spec"]!["free"]!["list"]!.ToJsonString().ShouldBe("[3]");
    }

    [Case]
    public async Task The_status_is_applied_through_its_own_path_only()
    {
        var path = await Created("""{"size":1}""");
        const string Body = """{"apiVersion":"conformance.framelease.dev/v1","kind":"Widget","metadata":{"name":"a","labels":"""
            + """{"q":"r"}},"spec":{"size":9},"status":{"phase":"Up","list":[1]}}""";
        var applied = (await Api.Apply($"{path}/status", "watcher", Body)).ShouldBe(200);
        applied.Owned("watcher", "Apply", "status").ShouldBe("""{"f:status":{"f:list":{},"f:phase":{}}}""");
        applied.Json["status"]!["phase"]!.GetValue<string>().ShouldBe("Up");
        applied.Json["spec"]!["size"]!.GetValue<int>().ShouldBe(1);
        applied.Json["metadata"]!["labels"].ShouldBeNull();
        var whole = (await Api.Apply(path, "other",
            """{"apiVersion":"conformance.framelease.dev/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"owner":"me"},"status":"""
                + """{"phase":"Down"}}""")).ShouldBe(200);
        whole.Owned("other", "Apply").ShouldBe("""{"f:spec":{"f:owner":{}}}""");
        whole.Json["status"]!["phase"]!.GetValue<string>().ShouldBe("Up");
    }

    [Case]
    public async Task A_conflict_over_the_status_names_the_subresource()
    {
        var path = await Created("""{"size":1}""");
        string Status(string phase) =>
            $$$"""{"apiVersion":"conformance.framelease.dev/v1","kind":"Widget","metadata":{"name":"a"},"status":"""
                + $$$"""{"phase":"{{{phase}}}"}}""";
        (await Api.Apply($"{path}/status", "one", Status("Up"))).ShouldBe(200);
        (await Api.Apply($"{path}/status", "two", Status("Down"))).ShouldFail(409, "Conflict")
            .Message.ShouldBe("Apply failed with 1 conflict: conflict with \"one\" with subresource \"status\": .status.phase");
    }

    [Case]
    public async Task A_status_of_what_is_not_there_is_not_created()
    {
        var path = await NewPath();
        (await Api.Apply($"{path}/status", "one", Config("{}"))).ShouldFail(404, "NotFound");
    }

    [Case]
    public async Task A_status_update_is_an_entry_of_its_own()
    {
        var path = await Created("""{"size":1}""");
        var patched = (await Api.Send(HttpMethod.Patch, $"{path}/status?fieldManager=maker", """{"status":{"phase":"Up"}}""",
            "application/merge-patch+json")).ShouldBe(200);
        patched.Owned("maker", "Update", "status").ShouldBe("""{"f:status":{".":{},"f:phase":{}}}""");
        patched.Owned("maker", "Update").ShouldContain("f:size");
    }

    [Case]
    public async Task An_apply_must_say_manager_kind_version_and_name()
    {
        var path = await NewPath();
        (await Api.Send(HttpMethod.Patch, path, Config("""{"size":1}"""), "application/apply-patch+yaml")).ShouldFail(422, "Invalid").Fields
            .ShouldBe(["fieldManager"]);
        (await Api.Apply(path, "one", """{"metadata":{"name":"a"},"spec":{"size":1}}""")).ShouldFail(400, "BadRequest");
        (await Api.Apply(path, "one", Config("""{"size":1}""", name: "b"))).ShouldFail(400, "BadRequest").Message
            .ShouldContain("does not match the name on the URL");
        (await Api.Apply(path, "one", Config("""{"size":1}""").Replace("Widget", "Gadget"))).ShouldFail(400, "BadRequest");
        (await Api.Apply(path, "one", Config("""{"size":1}""", "\"managedFields\":[{\"manager\":\"x\"}]"))).ShouldFail(400, "BadRequest")
            .Message.ShouldBe(Owners);
        (await Api.Apply(path, new string('x', 130), Config("""{"size":1}"""))).ShouldFail(422, "Invalid").Fields
            .ShouldBe(["fieldManager"]);
        (await Api.Apply(path, "one", "{\"apiVersion\":: ")).ShouldFail(400, "BadRequest");
        (await Api.Get(path)).ShouldBe(404);
    }

    [Case]
    public async Task Force_is_only_for_applies()
    {
        var path = await Created("""{"size":1}""");
        (await Api.Merge($"{path}?force=true", "{}")).ShouldFail(422, "Invalid").Fields.ShouldBe(["force"]);
    }

    [Case]
    public async Task Fields_that_cannot_be_told_apart_are_refused()
    {
        var path = await NewPath();
        async Task Refused(string spec, string message)
        {
            var reply = await Api.Apply(path, "one", Config(spec));
            reply.ShouldBe(500).Message.ShouldContain(message);
        }

        await Refused("""{"size":1,"surprise":1}""", ".spec.surprise: field not declared in schema");
        await Refused("""{"size":"big"}""", ".spec.size: expected numeric");
        await Refused("""{"size":1,"parts":[{"count":1}]}""",
            ".spec.parts: element 0: associative list with keys has an element that omits all key fields [\"name\"]");
        await Refused("""{"size":1,"parts":[{"name":"x"},{"name":"x"}]}""", ".spec.parts: duplicate entries for key [name=\"x\"]");
    }

    [Case]
    public async Task Strict_validation_of_an_apply_refuses_duplicate_fields()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1,"size":2}"""), more: "&fieldValidation=Strict")).ShouldFail(400, "BadRequest");
        (await Api.Get(path)).ShouldBe(404);
    }

    [Case]
    public async Task An_applied_object_is_validated()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1000}"""))).ShouldFail(422, "Invalid").Fields.ShouldBe(["spec.size"]);
        (await Api.Apply(path, "one", Config("""{"size":1,"min":3,"max":2}"""))).ShouldFail(422, "Invalid").Message
            .ShouldContain("min must not exceed max");
    }

    [Case]
    public async Task An_apply_may_name_the_version_that_it_is_made_for()
    {
        var path = await Created("""{"size":1}""");
        var old = (await Api.Get(path)).Revision;
        (await Api.Merge(path, """{"spec":{"owner":"me"}}""")).ShouldBe(200);
        (await Api.Apply(path, "one", Config("""{"note":"n"}""", $"\"resourceVersion\":\"{old}\""))).ShouldFail(409, "Conflict");
        (await Api.Apply(path, "one", Config("""{"note":"n"}""", "\"uid\":\"11111111-1111-1111-1111-111111111111\""))).Code
            .ShouldBeOneOf(409, 422);
        (await Api.Apply(path[..^1] + "b", "one", Config("""{"size":1}""", "\"uid\":\"11111111-1111-1111-1111-111111111111\"", "b")))
            .ShouldFail(409, "Conflict").Message.ShouldContain("uid mismatch");
    }

    [Case]
    public async Task A_dry_run_of_an_apply_changes_nothing()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1}"""), more: "&dryRun=All")).ShouldBe(201).Owned("one", "Apply")
            .ShouldContain("f:size");
        (await Api.Get(path)).ShouldBe(404);
        (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(201);
        (await Api.Apply(path, "one", Config("""{"size":2}"""), more: "&dryRun=All")).ShouldBe(200).Json["spec"]!["size"]!.GetValue<int>()
            .ShouldBe(2);
        (await Api.Get(path)).Json["spec"]!["size"]!.GetValue<int>().ShouldBe(1);
    }

    [Case]
    public async Task Managed_fields_can_be_dropped_and_the_next_apply_finds_an_owner_before_it()
    {
        var path = await Created("""{"size":1}""");
        var dropped = (await Api.Merge(path, """{"metadata":{"managedFields":[{}]}}""")).ShouldBe(200);
        dropped.Json["metadata"]!.AsObject().ContainsKey("managedFields").ShouldBeFalse();
        (await Api.Merge(path, """{"spec":{"owner":"me"}}""")).ShouldBe(200).Json["metadata"]!.AsObject().ContainsKey("managedFields")
            .ShouldBeFalse();
        (await Api.Apply(path, "one", Config("""{"size":2}"""))).ShouldFail(409, "Conflict").Message
            .ShouldContain("conflict with \"before-first-apply\"");
        (await Api.Apply(path, "one", Config("""{"size":2}"""), force: true)).ShouldBe(200).Owned("before-first-apply", "Update")
            .ShouldContain("f:owner");
    }

    [Case]
    public async Task A_replace_without_managed_fields_does_not_drop_them()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(201);
        var item = (await Api.Get(path)).Json;
        item["metadata"]!.AsObject().Remove("managedFields");
        item["spec"]!["owner"] = "me";
        var replaced = (await Api.Send(HttpMethod.Put, $"{path}?fieldManager=two", item.ToJsonString(), "application/json")).ShouldBe(200);
        replaced.Owned("one", "Apply").ShouldBe("""{"f:spec":{"f:size":{}}}""");
        replaced.Owned("two", "Update").ShouldBe("""{"f:spec":{"f:owner":{}}}""");
    }

    [Case]
    public async Task An_update_of_an_applied_value_takes_it_over()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1,"owner":"me"}"""))).ShouldBe(201);
        var patched = (await Api.Send(HttpMethod.Patch, $"{path}?fieldManager=two", """{"spec":{"size":2}}""",
            "application/merge-patch+json")).ShouldBe(200);
        patched.Owned("one", "Apply").ShouldBe("""{"f:spec":{"f:owner":{}}}""");
        (await Api.Apply(path, "one", Config("""{"size":1,"owner":"me"}"""))).ShouldFail(409, "Conflict").Message
            .ShouldContain("conflict with \"two\"");
        (await Api.Apply(path, "one", Config("""{"owner":"me"}"""))).ShouldBe(200).Json["spec"]!["size"]!.GetValue<int>().ShouldBe(2);
    }

    [Case]
    public async Task Many_managers_are_merged_into_the_oldest()
    {
        var path = await Created("""{"size":1,"limits":{"a":0}}""");
        for (var i = 0; i < 14; i++)
        {
            (await Api.Send(HttpMethod.Patch, $"{path}?fieldManager=m{i}", $$$"""{"metadata":{"labels":{"l{{{i}}}":"x"}} }""",
                "application/merge-patch+json"))
                .ShouldBe(200);
        }

        var entries = (await Api.Get(path)).Json["metadata"]!["managedFields"]!.AsArray();
        entries.Count.ShouldBeLessThanOrEqualTo(11);
        entries.Select(entry => entry!["manager"]!.GetValue<string>()).ShouldContain("ancient-changes");
    }

    [Case]
    public async Task Containers_ports_and_variables_of_a_pod_merge_by_their_keys()
    {
        var ns = await server.NewNamespace();
        var path = $"/api/v1/namespaces/{ns}/pods/p";
        string Pod(string container, string metadata = "") =>
            $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"{{{metadata}}} },"spec":"""
                + $$$"""{"containers":[{"name":"a"{{{container}}} }]}}""";
        (await Api.Apply(path, "one", Pod(""","image":"i:1","ports":[{"containerPort":80}],"env":[{"name":"A","value":"1"}]""")))
            .ShouldBe(201)
            .Owned("one", "Apply").ShouldContain("""k:{\"containerPort\":80,\"protocol\":\"TCP\"}""");
        // What runs cannot be changed, so that the second manager owns what is there and adds to metadata.
        var second = (await Api.Apply(path, "two", Pod(""","env":[{"name":"A","value":"1"}]""", ""","labels":{"l":"1"}"""))).ShouldBe(200);
        second.Owned("two", "Apply").ShouldBe(
            """{"f:metadata":{"f:labels":{"f:l":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:env":{"k:"""
                + """{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}},"f:name":{}}}}}""");
        (await Api.Apply(path, "two", Pod(""","image":"i:2" """))).ShouldFail(409, "Conflict").Fields
            .ShouldBe([".spec.containers[name=\"a\"].image"]);
        (await Api.Delete(path)).ShouldBe(200);
    }

    [Case]
    public async Task Conditions_of_a_pod_are_owned_by_type()
    {
        var ns = await server.NewNamespace();
        var path = $"/api/v1/namespaces/{ns}/pods/p";
        (await Api.Apply(path, "one",
            """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"i:1"}]}}"""))
            .ShouldBe(201);
        string Status(string type) =>
            $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"status":"""
                + $$$"""{"conditions":[{"type":"{{{type}}}","status":"True"}]}}""";
        (await Api.Apply($"{path}/status", "x", Status("Ready"))).ShouldBe(200);
        var both = (await Api.Apply($"{path}/status", "y", Status("Extra"))).ShouldBe(200);
        both.Json["status"]!["conditions"]!.AsArray().Select(c => c!["type"]!.GetValue<string>())
            .ShouldBe(["Ready", "Extra"], ignoreOrder: true);
        both.Owned("y", "Apply", "status").ShouldBe(
            """{"f:status":{"f:conditions":{"k:{\"type\":\"Extra\"}":{".":{},"f:status":{},"f:type":{}}}}}""");
        (await Api.Delete(path)).ShouldBe(200);
    }

    [Case]
    public async Task Finalizers_and_owners_have_owners_one_by_one()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1}""", "\"finalizers\":[\"a.example.com/x\"]"))).ShouldBe(201);
        var second = (await Api.Apply(path, "two", Config("""{"size":1}""",
            "\"finalizers\":[\"a.example.com/y\"],"
            + "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"name\":\"default\",\"uid\":\"u1\"}]"))).ShouldBe(200);
        second.Json["metadata"]!["finalizers"]!.AsArray().Count.ShouldBe(2);
        second.Owned("two", "Apply").ShouldContain(
            """{"f:finalizers":{"v:\"a.example.com/y\"":{}},"f:ownerReferences":{"k:{\"uid\":\"u1\"}":{}}}""");
        (await Api.Apply(path, "two", Config("""{"size":1}"""))).ShouldBe(200).Json["metadata"]!["finalizers"]!.ToJsonString()
            .ShouldBe("""["a.example.com/x"]""");
        (await Api.Merge(path, """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
    }

    [Case]
    public async Task A_configuration_may_be_yaml()
    {
        var ns = await server.NewNamespace();
        var path = $"/api/v1/namespaces/{ns}/configmaps/m";
        var applied = (await Api.Apply(path, "one", """
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: m
            data:
              a: "1"
              text: |
                two
                lines
              b: "2"
            """)).ShouldBe(201);
        applied.Json["data"]!["text"]!.GetValue<string>().ShouldBe("two\nlines\n");
        applied.Owned("one", "Apply").ShouldBe("""{"f:data":{"f:a":{},"f:b":{},"f:text":{}}}""");
    }

    [Case]
    public async Task Concurrent_appliers_of_different_fields_all_get_through()
    {
        var path = await NewPath();
        (await Api.Apply(path, "one", Config("""{"size":1}"""))).ShouldBe(201);
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async i =>
            (await Api.Apply(path, $"m{i}", Config("{}", $"\"labels\":{{\"l{i}\":\"x\"}}"))).ShouldBe(200)));
        var item = await Api.Get(path);
        item.Json["metadata"]!["labels"]!.AsObject().Count.ShouldBe(12);
        item.Json["metadata"]!["managedFields"]!.AsArray().Count.ShouldBe(13);
    }

    [Case]
    public async Task Concurrent_appliers_of_a_new_object_make_one()
    {
        var path = await NewPath();
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Api.Apply(path, $"m{i}", Config("""{"size":1}"""))));
        replies.Count(reply => reply.Code == 201).ShouldBe(1);
        replies.ShouldAllBe(reply => reply.Code == 200 || reply.Code == 201);
        (await Api.Get(path)).Json["metadata"]!["managedFields"]!.AsArray().Count.ShouldBe(8);
    }

    [Case]
    public async Task From_client_side_apply_to_server_side_there_is_no_conflict()
    {
        var path = await NewPath();
        var config = Config("""{"size":1}""");
        var last = config.Replace("\"", "\\\"");
        (await Api.Send(HttpMethod.Post, $"{path[..^2]}?fieldManager=kubectl-client-side-apply",
            Config("""{"size":1}""", $"\"annotations\":{{\"kubectl.kubernetes.io/last-applied-configuration\":\"{last}\"}}"),
                "application/json")).ShouldBe(201);
        (await Api.Apply(path, "other", Config("""{"size":2}"""))).ShouldFail(409, "Conflict");
        var applied = (await Api.Apply(path, "kubectl", Config("""{"size":2}"""))).ShouldBe(200);
        applied.Json["spec"]!["size"]!.GetValue<int>().ShouldBe(2);
        applied.Json["metadata"]!["annotations"]!["kubectl.kubernetes.io/last-applied-configuration"]!.GetValue<string>()
            .ShouldContain("\"size\":2");
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class ApplyCasesOnLocalCluster(LocalServer server) : ApplyCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class ApplyCasesOnGivenServer(GivenServer server) : ApplyCases(server);
