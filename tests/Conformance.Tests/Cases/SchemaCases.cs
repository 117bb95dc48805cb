using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Structural schemas: validation, pruning, defaulting, strict fields, and rules in CEL.</summary>
public abstract class SchemaCases(Server server)
{
    Api Api => server.Api;

    async Task<Reply> Create(string spec, string query = "")
    {
        var ns = await server.NewNamespace();
        return await Api.Post($"{Widgets.In(ns)}{query}", Widgets.Body("a", spec));
    }

    async Task Refused(string spec, string field, string message)
    {
        var refused = (await Create(spec)).ShouldFail(422, "Invalid");
        refused.Fields.ShouldContain(field, refused.Text);
        refused.Message.ShouldContain(message);
        refused.Message.ShouldStartWith("Widget.conformance.framelease.dev \"a\" is invalid: ");
    }

    [Case]
    public Task A_required_field_must_be_there() => Refused("{}", "spec.size", "spec.size: Required value");

    [Case]
    public Task A_value_must_have_its_type() =>
        Refused("""{"size":"big"}""", "spec.size", "spec.size in body must be of type integer: \"string\"");

    [Case]
    public async Task A_number_must_be_within_its_bounds()
    {
        await Refused("""{"size":101}""", "spec.size", "spec.size in body should be less than or equal to 100");
        await Refused("""{"size":-1}""", "spec.size", "spec.size in body should be greater than or equal to 0");
        await Refused("""{"size":1,"share":1}""", "spec.share", "spec.share in body should be less than 1");
        (await Create("""{"size":1,"share":0.5}""")).ShouldBe(201);
    }

    [Case]
    public Task A_value_must_be_one_of_its_enum() =>
        Refused("""{"size":1,"color":"Blue"}""", "spec.color", "Unsupported value: \"Blue\": supported values: \"Red\", \"Green\"");

    [Case]
    public async Task A_string_must_match_pattern_and_length()
    {
        await Refused("""{"size":1,"code":"ABC"}""", "spec.code", "spec.code in body should match '^[a-z]+$'");
        await Refused("""{"size":1,"code":"a"}""", "spec.code", "spec.code in body should be at least 2 chars long");
        await Refused("""{"size":1,"code":"abcdefghij"}""", "spec.code", "Too long: may not be more than 8 bytes");
    }

    [Case]
    public async Task Lists_and_maps_are_bounded_and_keys_unique()
    {
        await Refused("""{"size":1,"tags":["a","b","c","d"]}""", "spec.tags", "Too many: 4: must have at most 3 items");
        await Refused("""{"size":1,"tags":["a","a"]}""", "spec.tags[1]", "Duplicate value: \"a\"");
        await Refused("""{"size":1,"parts":[{"name":"x"},{"name":"x"}]}""", "spec.parts[1]", "Duplicate value");
        (await Create("""{"size":1,"limits":{"a":1,"b":2,"c":3}}""")).ShouldFail(422, "Invalid");
        await Refused("""{"size":1,"limits":{"a":"x"}}""", "spec.limits.a", "must be of type integer");
    }

    [Case]
    public async Task Int_or_string_takes_both_and_nothing_else()
    {
        (await Create("""{"size":1,"port":80}""")).ShouldBe(201).Json["spec"]!["port"]!.GetValue<int>().ShouldBe(80);
        (await Create("""{"size":1,"port":"http"}""")).ShouldBe(201);
        (await Create("""{"size":1,"port":true}""")).ShouldFail(422, "Invalid");
    }

    [Case]
    public async Task Null_is_kept_where_it_is_allowed_and_defaulted_or_dropped_elsewhere()
    {
        (await Create("""{"size":1,"note":null}""")).ShouldBe(201).Json["spec"]!.AsObject().ContainsKey("note").ShouldBeTrue();
        (await Create("""{"size":1,"color":null}""")).ShouldBe(201).Json["spec"]!["color"]!.GetValue<string>().ShouldBe("Red");
        (await Create("""{"size":1,"owner":null}""")).ShouldBe(201).Json["spec"]!.AsObject().ContainsKey("owner").ShouldBeFalse();
        (await Create("""{"size":null}""")).ShouldFail(422, "Invalid");
    }

    [Case]
    public Task A_format_is_checked() => Refused("""{"size":1,"due":"tomorrow"}""", "spec.due", "must be of type date-time");

    [Case]
    public async Task Defaults_fill_absent_fields_also_inside_defaults_and_lists()
    {
        var spec = (await Create("""{"size":1,"parts":[{"name":"x"},{"name":"y","count":7}]}""")).ShouldBe(201).Json["spec"]!;
        spec["color"]!.GetValue<string>().ShouldBe("Red");
        spec["nested"]!["level"]!.GetValue<int>().ShouldBe(5);
        spec["parts"]!.AsArray().Select(part => part!["count"]!.GetValue<int>()).ShouldBe([1, 7]);
    }

    [Case]
    public async Task Unknown_fields_are_pruned_except_where_preserved()
    {
        var spec = (await Create("""{"size":1,"extra":1,"nested":{"more":2},"free":{"any":{"thing":[1]}}}""")).ShouldBe(201).Json["spec"]!.AsObject();
        spec.ContainsKey("extra").ShouldBeFalse();
        spec["nested"]!.AsObject().ContainsKey("more").ShouldBeFalse();
        spec["free"]!.ToJsonString().ShouldBe("""{"any":{"thing":[1]}}""");
    }

    [Case]
    public async Task Strict_validation_refuses_unknown_fields()
    {
        var refused = (await Create("""{"size":1,"extra":1,"nested":{"more":2}}""", "?fieldValidation=Strict")).ShouldFail(400, "BadRequest");
        refused.Message.ShouldContain("strict decoding error: ");
        refused.Message.ShouldContain("unknown field \"spec.extra\"");
        refused.Message.ShouldContain("unknown field \"spec.nested.more\"");
    }

    [Case]
    public async Task Strict_validation_refuses_duplicate_fields() =>
        (await Create("""{"size":1,"size":2}""", "?fieldValidation=Strict")).ShouldFail(400, "BadRequest").Message.ShouldContain("duplicate field \"spec.size\"");

    [Case]
    public async Task Unknown_fields_are_warned_about_unless_ignored()
    {
        var warned = (await Create("""{"size":1,"extra":1}""", "?fieldValidation=Warn")).ShouldBe(201);
        warned.Warnings.ShouldHaveSingleItem().ShouldContain("unknown field \\\"spec.extra\\\"");
        (await Create("""{"size":1,"extra":1}""", "?fieldValidation=Ignore")).ShouldBe(201).Warnings.ShouldBeEmpty();
        (await Create("""{"size":1}""", "?fieldValidation=Often")).Code.ShouldBeOneOf(400, 422);
    }

    [Case]
    public async Task Built_in_kinds_are_strict_too()
    {
        var ns = await server.NewNamespace();
        const string Body = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{},"surprise":1}""";
        (await Api.Post($"/api/v1/namespaces/{ns}/configmaps?fieldValidation=Strict", Body)).ShouldFail(400, "BadRequest")
            .Message.ShouldContain("unknown field \"surprise\"");
    }

    [Case]
    public async Task A_rule_over_one_object_is_enforced()
    {
        var refused = (await Create("""{"size":1,"min":5,"max":3}""")).ShouldFail(422, "Invalid");
        refused.Message.ShouldContain("min must not exceed max");
        refused.Fields.ShouldBe(["spec"]);
        (await Create("""{"size":1,"min":3,"max":5}""")).ShouldBe(201);
        (await Create("""{"size":1,"min":3}""")).ShouldBe(201);
    }

    [Case]
    public async Task A_transition_rule_makes_a_field_immutable()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", """{"size":1,"fixed":"x"}"""))).ShouldBe(201);
        var refused = (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"fixed":"y"}}""")).ShouldFail(422, "Invalid");
        refused.Fields.ShouldBe(["spec.fixed"]);
        refused.Message.ShouldContain("fixed is immutable");
        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"size":2}}""")).ShouldBe(200);
    }

    [Case]
    public async Task A_field_can_be_immutable_once_set()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"owner":"me"}}""")).ShouldBe(200);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"owner":"you"}}""")).ShouldFail(422, "Invalid").Message.ShouldContain("owner is immutable once set");
        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"owner":null}}""")).ShouldFail(422, "Invalid");
    }

    [Case]
    public async Task Several_problems_are_reported_together()
    {
        var refused = (await Create("""{"size":101,"color":"Blue"}""")).ShouldFail(422, "Invalid");
        refused.Fields.ShouldBe(["spec.size", "spec.color", "<nil>"], ignoreOrder: true);
        refused.Message.ShouldContain("some validation rules were not checked because the object was invalid");
        refused.Message.ShouldContain("is invalid: [");
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class SchemaCasesOnLocalCluster(LocalServer server) : SchemaCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class SchemaCasesOnGivenServer(GivenServer server) : SchemaCases(server);
