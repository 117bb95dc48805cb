using System.Text.Json.Nodes;
using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Options of requests: dry runs, field validation of every verb, lists and watches that ask for impossible things.</summary>
public abstract class OptionCases(Server server)
{
    Api Api => server.Api;

    async Task<string> NewWidget(string spec = """{"size":1}""")
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", spec))).ShouldBe(201);
        return Widgets.Of(ns, "a");
    }

    [Case]
    public async Task A_dry_run_of_any_verb_answers_and_changes_nothing()
    {
        var path = await NewWidget();
        var before = (await Api.Get(path)).Json;
        (await Api.Merge($"{path}?dryRun=All", """{"spec":{"size":2}}""")).ShouldBe(200).Json["spec"]!["size"]!.GetValue<int>().ShouldBe(2);
        var item = before.DeepClone();
        item["spec"]!["size"] = 3;
        (await Api.Put($"{path}?dryRun=All", item)).ShouldBe(200).Json["spec"]!["size"]!.GetValue<int>().ShouldBe(3);
        (await Api.Delete($"{path}?dryRun=All")).ShouldBe(200);
        (await Api.Delete(path, """{"dryRun":["All"]}""")).ShouldBe(200);
        (await Api.Delete($"{path[..^2]}?dryRun=All")).ShouldBe(200);
        (await Api.Get(path)).Json.ToJsonString().ShouldBe(before.ToJsonString());
    }

    [Case]
    public async Task A_dry_run_is_validated_and_finds_conflicts()
    {
        var path = await NewWidget();
        (await Api.Post($"{path[..^2]}?dryRun=All", Widgets.Body("a"))).ShouldFail(409, "AlreadyExists");
        (await Api.Merge($"{path}?dryRun=All", """{"spec":{"size":1000}}""")).ShouldFail(422, "Invalid");
        (await Api.Merge($"{path}?dryRun=Some", """{"spec":{"size":2}}""")).Code.ShouldBeOneOf(400, 422);
    }

    [Case]
    public async Task Strict_validation_of_a_replace_refuses_unknown_fields()
    {
        var path = await NewWidget();
        var item = (await Api.Get(path)).Json;
        item["spec"]!["surprise"] = 1;
        (await Api.Put($"{path}?fieldValidation=Strict", item)).ShouldFail(400, "BadRequest").Message
            .ShouldContain("unknown field \"spec.surprise\"");
        (await Api.Put($"{path}?fieldValidation=Warn", item)).ShouldBe(200).Warnings
            .ShouldContain(warning => warning.Contains("unknown field \\\"spec.surprise\\\""));
        (await Api.Put($"{path}?fieldValidation=Ignore", item)).Warnings.ShouldBeEmpty();
    }

    [Case]
    public async Task Strict_validation_of_a_patch_refuses_unknown_fields()
    {
        var path = await NewWidget();
        (await Api.Merge($"{path}?fieldValidation=Strict", """{"spec":{"surprise":1}}""")).ShouldFail(422, "Invalid")
            .Message.ShouldContain("unknown field \"spec.surprise\"");
        (await Api.Merge(path, """{"spec":{"surprise":1}}""")).ShouldBe(200).Warnings
            .ShouldContain(warning => warning.Contains("unknown field \\\"spec.surprise\\\""));
    }

    [Case]
    public async Task An_unknown_level_of_validation_is_refused() =>
        (await Api.Merge($"{await NewWidget()}?fieldValidation=Perhaps", "{}")).Code.ShouldBeOneOf(400, 422);

    [Case]
    public async Task Initial_events_must_be_asked_for_in_full()
    {
        var ns = await server.NewNamespace();
        foreach (var query in new[]
        {
            "watch=true&sendInitialEvents=true&allowWatchBookmarks=true",
            "watch=true&sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1",
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
            "resourceVersionMatch=NotOlderThan",
            "resourceVersionMatch=Nonsense&resourceVersion=1",
            "resourceVersionMatch=Exact&resourceVersion=0",
        })
        {
            (await Api.Get($"{Widgets.In(ns)}?{query}")).ShouldFail(422, "Invalid").Message.ShouldContain("ListOptions.meta.k8s.io");
        }
    }

    [Case]
    public async Task A_continued_list_keeps_the_revision_of_its_first_page()
    {
        var ns = await server.NewNamespace();
        for (var i = 0; i < 3; i++)
            (await Api.Post(Widgets.In(ns), Widgets.Body($"w{i}"))).ShouldBe(201);
        var first = (await Api.Get($"{Widgets.In(ns)}?limit=1")).ShouldBe(200).Json["metadata"]!;
        first["remainingItemCount"]!.GetValue<int>().ShouldBe(2);
        var token = Uri.EscapeDataString(first["continue"]!.GetValue<string>());
        (await Api.Get($"{Widgets.In(ns)}?limit=1&continue={token}&resourceVersion=1")).ShouldFail(400, "BadRequest");
        (await Api.Delete(Widgets.Of(ns, "w1"))).ShouldBe(200);
        var second = (await Api.Get($"{Widgets.In(ns)}?limit=1&continue={token}")).ShouldBe(200);
        second.Names.ShouldBe(["w1"]);
        second.Json["metadata"]!["resourceVersion"]!.GetValue<string>().ShouldBe(first["resourceVersion"]!.GetValue<string>());
    }

    [Case]
    public async Task An_exact_revision_shows_what_was_there_then()
    {
        var ns = await server.NewNamespace();
        var then = (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201).Revision;
        (await Api.Get($"{Widgets.In(ns)}?resourceVersion={then}&resourceVersionMatch=Exact")).ShouldBe(200).Names.ShouldBe(["a"]);
    }

    [Case(Needs = Needs.BoundedHistory)]
    public async Task A_continue_token_that_is_too_old_brings_one_that_goes_on_from_the_present()
    {
        var ns = await server.NewNamespace();
        for (var i = 0; i < 4; i++)
            (await Api.Post(Widgets.In(ns), Widgets.Body($"w{i}"))).ShouldBe(201);
        string Continue(Reply reply) => Uri.EscapeDataString(reply.Json["metadata"]!["continue"]!.GetValue<string>());
        var old = Continue((await Api.Get($"{Widgets.In(ns)}?limit=2")).ShouldBe(200));
        // More snapshots than the server keeps, each of a revision of its own.
        for (var i = 0; i < 70; i++)
        {
            (await Api.Merge(Widgets.Of(ns, "w3"), $$$"""{"spec":{"size":{{{i + 1}}} }}""")).ShouldBe(200);
            (await Api.Get($"{Widgets.In(ns)}?limit=1")).ShouldBe(200);
        }

        (await Api.Post(Widgets.In(ns), Widgets.Body("w9"))).ShouldBe(201);
        var expired = (await Api.Get($"{Widgets.In(ns)}?limit=2&continue={old}")).ShouldFail(410, "Expired");
        expired.Message.ShouldContain("inconsistent list");
        (await Api.Get($"{Widgets.In(ns)}?limit=9&continue={Continue(expired)}")).ShouldBe(200).Names.ShouldBe(["w2", "w3", "w9"]);
    }

    [Case]
    public async Task A_deleted_collection_honours_labels_fields_and_finalizers()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"labels\":{\"x\":\"1\"},\"finalizers\":[\"a.example.com/x\"]")))
            .ShouldBe(201);
        (await Api.Post(Widgets.In(ns), Widgets.Body("b", metadata: "\"labels\":{\"x\":\"1\"}"))).ShouldBe(201);
        (await Api.Post(Widgets.In(ns), Widgets.Body("c"))).ShouldBe(201);
        (await Api.Delete($"{Widgets.In(ns)}?labelSelector=x%3D1&fieldSelector=metadata.name!%3Dz")).ShouldBe(200);
        (await Api.Get(Widgets.In(ns))).Names.ShouldBe(["a", "c"]);
        (await Api.Get(Widgets.Of(ns, "a"))).Json["metadata"]!["deletionTimestamp"].ShouldNotBeNull();
        (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
        (await Api.Delete(Widgets.In(ns))).ShouldBe(200);
        (await Api.Get(Widgets.In(ns))).Names.ShouldBeEmpty();
    }

    [Case]
    public async Task A_deletion_can_be_asked_with_options_in_the_query_too()
    {
        var path = await NewWidget();
        (await Api.Delete($"{path}?propagationPolicy=Sideways")).Code.ShouldBeOneOf(400, 422);
        (await Api.Delete($"{path}?propagationPolicy=Background&gracePeriodSeconds=0")).ShouldBe(200);
        (await Api.Get(path)).ShouldBe(404);
    }

    [Case]
    public async Task A_foreground_deletion_shows_a_finalizer_until_the_dependents_are_gone()
    {
        var path = await NewWidget();
        (await Api.Merge(path, """{"metadata":{"finalizers":["a.example.com/x"]}}""")).ShouldBe(200);
        var deleting = (await Api.Delete($"{path}?propagationPolicy=Foreground")).ShouldBe(200);
        deleting.Json["metadata"]!["finalizers"]!.AsArray().Select(f => f!.GetValue<string>())
            .ShouldBe(["a.example.com/x", "foregroundDeletion"], ignoreOrder: true);
        (await Api.JsonPatch(path, """[{"op":"replace","path":"/metadata/finalizers","value":[]}]""")).ShouldBe(200);
        await Api.Until(path, reply => reply.Code == 404, "gone");
    }

    [Case]
    public async Task A_lease_is_taken_by_one_of_two_who_saw_the_same_version()
    {
        var ns = await server.NewNamespace();
        var leases = $"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases";
        string Lease(string holder) => $$$"""
            {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l"},
             "spec":{"holderIdentity":"{{{holder}}}","leaseDurationSeconds":15,"renewTime":"2026-01-01T00:00:00.123456Z"}}
            """;
        var made = await Task.WhenAll(Api.Post(leases, Lease("one")), Api.Post(leases, Lease("two")));
        made.Select(reply => reply.Code).Order().ShouldBe([201, 409]);
        var seen = (await Api.Get($"{leases}/l")).ShouldBe(200).Json;
        Task<Reply> Take(string holder)
        {
            var wanted = seen.DeepClone();
            wanted["spec"]!["holderIdentity"] = holder;
            return Api.Put($"{leases}/l", wanted);
        }

        var taken = await Task.WhenAll(Take("three"), Take("four"), Take("five"));
        taken.Count(reply => reply.Code == 200).ShouldBe(1);
        taken.Count(reply => reply.Code == 409 && reply.Reason == "Conflict").ShouldBe(2);
        (await Api.Get($"{leases}/l")).Json["spec"]!["renewTime"]!.GetValue<string>().ShouldBe("2026-01-01T00:00:00.123456Z");
    }

    [Case]
    public async Task A_watch_that_lost_its_connection_goes_on_where_it_was()
    {
        var ns = await server.NewNamespace();
        var start = (await Api.Get(Widgets.In(ns))).Revision;
        string last;
        using (var watch = await Api.Watch($"{Widgets.In(ns)}?resourceVersion={start}"))
        {
            (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
            last = (await watch.Change()).Revision;
        }

        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"size":2}}""")).ShouldBe(200);
        (await Api.Post(Widgets.In(ns), Widgets.Body("b"))).ShouldBe(201);
        (await Api.Delete(Widgets.Of(ns, "a"))).ShouldBe(200);
        using var resumed = await Api.Watch($"{Widgets.In(ns)}?resourceVersion={last}");
        var lines = new[] { await resumed.Change(), await resumed.Change(), await resumed.Change() };
        lines.Select(line => (line.Type, line.Name)).ShouldBe([("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]);
    }

    [Case]
    public async Task An_access_review_of_oneself_is_answered()
    {
        var review = (await Api.Post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", JsonNode.Parse("""
            {"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview",
             "spec":{"resourceAttributes":{"verb":"create","resource":"pods","namespace":"default"}}}
            """)!));
        // A bare machinery has no such kind; whoever has it answers in status.
        if (review.Code == 404)
            return;
        review.ShouldBe(201).Json["status"]!["allowed"]!.GetValue<bool>().ShouldBeTrue();
    }

    [Case]
    public async Task Ten_thousand_objects_are_created_listed_in_pages_and_deleted_at_once()
    {
        const int Count = 10_000;
        var ns = await server.NewNamespace();
        var maps = $"/api/v1/namespaces/{ns}/configmaps";
        var next = -1;
        async Task Write()
        {
            for (var i = Interlocked.Increment(ref next); i < Count; i = Interlocked.Increment(ref next))
            {
                (await Api.Post(maps, $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m{{{i:D5}}}"},"data":{"k":"v"}}"""))
                    .ShouldBe(201);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Write()));
        var seen = new List<string>();
        var more = "";
        do
        {
            var page = (await Api.Get($"{maps}?limit=1000{more}")).ShouldBe(200);
            seen.AddRange(page.Names);
            more = page.Json["metadata"]!["continue"]?.GetValue<string>() is { Length: > 0 } token
                ? $"&continue={Uri.EscapeDataString(token)}" : "";
        }
        while (more.Length > 0);
        seen.Where(name => name.StartsWith('m')).ShouldBe(Enumerable.Range(0, Count).Select(i => $"m{i:D5}"));
        (await Api.Get($"{maps}?resourceVersion=0")).ShouldBe(200).Names.Count().ShouldBeGreaterThanOrEqualTo(Count);
        (await Api.Delete($"{maps}?limit=1")).Code.ShouldBe(200);
        (await Api.Get($"{maps}?limit=1")).ShouldBe(200).Names.Count().ShouldBeLessThanOrEqualTo(1);
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class OptionCasesOnLocalCluster(LocalServer server) : OptionCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class OptionCasesOnGivenServer(GivenServer server) : OptionCases(server);
