using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Finalizers, garbage collection, namespaces that empty themselves, pods that end with grace.</summary>
public abstract class DeletionCases(Server server)
{
    Api Api => server.Api;

    [Case]
    public async Task A_finalizer_holds_a_deletion_until_it_is_removed()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"finalizers\":[\"example.com/wait\"]"))).ShouldBe(201);
        var deleting = (await Api.Delete(Widgets.Of(ns, "a"))).ShouldBe(200);
        deleting.Json["kind"]!.GetValue<string>().ShouldBe("Widget");
        deleting.Json["metadata"]!["deletionTimestamp"].ShouldNotBeNull();
        (await Api.Get(Widgets.Of(ns, "a"))).ShouldBe(200);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"spec":{"size":3}}""")).ShouldBe(200);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
        (await Api.Get(Widgets.Of(ns, "a"))).ShouldFail(404, "NotFound");
    }

    [Case]
    public async Task No_finalizer_is_added_to_an_object_that_is_being_deleted()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"finalizers\":[\"example.com/wait\"]"))).ShouldBe(201);
        (await Api.Delete(Widgets.Of(ns, "a"))).ShouldBe(200);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"finalizers":["example.com/wait","example.com/more"]}}"""))
            .ShouldFail(422, "Invalid").Message.ShouldContain("no new finalizers can be added if the object is being deleted");
        (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"deletionTimestamp":null}}""")).ShouldBe(200)
            .Json["metadata"]!["deletionTimestamp"].ShouldNotBeNull();
        (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
    }

    [Case]
    public async Task A_second_deletion_while_a_finalizer_holds_changes_nothing()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"finalizers\":[\"example.com/wait\"]"))).ShouldBe(201);
        var first = (await Api.Delete(Widgets.Of(ns, "a"))).ShouldBe(200);
        (await Api.Delete(Widgets.Of(ns, "a"))).ShouldBe(200).Revision.ShouldBe(first.Revision);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
    }

    async Task<string> OwnerAndDependent(string ns, bool block = false)
    {
        var owner = (await Api.Post(Widgets.In(ns), Widgets.Body("owner"))).ShouldBe(201);
        (await Api.Post($"/api/v1/namespaces/{ns}/configmaps", $$$"""
            {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"dependent","ownerReferences":[
             {"apiVersion":"conformance.framelease.dev/v1","kind":"Widget","name":"owner","uid":"{{{owner.Uid}}}","blockOwnerDeletion":{{{(block ? "true" : "false")}}}}]}}
            """)).ShouldBe(201);
        return $"/api/v1/namespaces/{ns}/configmaps/dependent";
    }

    [Case(Needs = Needs.Controllers)]
    public async Task Dependents_of_a_deleted_owner_are_collected()
    {
        var ns = await server.NewNamespace();
        var dependent = await OwnerAndDependent(ns);
        (await Api.Delete(Widgets.Of(ns, "owner"))).ShouldBe(200);
        await Api.Until(dependent, reply => reply.Code == 404, "collected");
    }

    [Case(Needs = Needs.Controllers)]
    public async Task Orphaned_dependents_stay_without_their_reference()
    {
        var ns = await server.NewNamespace();
        var dependent = await OwnerAndDependent(ns);
        (await Api.Delete(Widgets.Of(ns, "owner"), """{"propagationPolicy":"Orphan"}""")).ShouldBe(200);
        await Api.Until(Widgets.Of(ns, "owner"), reply => reply.Code == 404, "gone");
        (await Api.Get(dependent)).ShouldBe(200).Json["metadata"]!["ownerReferences"].ShouldBeNull();
    }

    [Case(Needs = Needs.Controllers)]
    public async Task A_foreground_deletion_takes_the_dependents_first()
    {
        var ns = await server.NewNamespace();
        var dependent = await OwnerAndDependent(ns, block: true);
        (await Api.Merge(dependent, """{"metadata":{"finalizers":["example.com/wait"]}}""")).ShouldBe(200);
        (await Api.Delete(Widgets.Of(ns, "owner"), """{"propagationPolicy":"Foreground"}""")).ShouldBe(200);
        await Api.Until(dependent, reply => reply.Json["metadata"]!["deletionTimestamp"] is not null, "being deleted");
        (await Api.Get(Widgets.Of(ns, "owner"))).ShouldBe(200);
        (await Api.Merge(dependent, """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
        await Api.Until(Widgets.Of(ns, "owner"), reply => reply.Code == 404, "gone after its dependent");
    }

    [Case(Needs = Needs.Controllers)]
    public async Task A_dependent_whose_owner_never_was_is_collected()
    {
        var ns = await server.NewNamespace();
        (await Api.Post($"/api/v1/namespaces/{ns}/configmaps", $$$"""
            {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"lost","ownerReferences":[
             {"apiVersion":"conformance.framelease.dev/v1","kind":"Widget","name":"nobody","uid":"{{{Guid.NewGuid()}}}"}]}}
            """)).ShouldBe(201);
        await Api.Until($"/api/v1/namespaces/{ns}/configmaps/lost", reply => reply.Code == 404, "collected");
    }

    [Case(Needs = Needs.Controllers)]
    public async Task A_namespace_gets_an_account_and_empties_itself_when_deleted()
    {
        var ns = await server.NewNamespace();
        await Api.Until($"/api/v1/namespaces/{ns}/serviceaccounts/default", reply => reply.Code == 200, "there");
        (await Api.Post(Widgets.In(ns), Widgets.Body("a", metadata: "\"finalizers\":[\"example.com/wait\"]"))).ShouldBe(201);
        (await Api.Delete($"/api/v1/namespaces/{ns}")).ShouldBe(200).Json["status"]!["phase"]!.GetValue<string>().ShouldBe("Terminating");
        (await Api.Post(Widgets.In(ns), Widgets.Body("late"))).ShouldFail(403, "Forbidden").Message.ShouldContain("because it is being terminated");
        await Api.Until(Widgets.Of(ns, "a"), reply => reply.Json["metadata"]!["deletionTimestamp"] is not null, "being deleted");
        (await Api.Get($"/api/v1/namespaces/{ns}")).ShouldBe(200);
        (await Api.Merge(Widgets.Of(ns, "a"), """{"metadata":{"finalizers":null}}""")).ShouldBe(200);
        await Api.Until($"/api/v1/namespaces/{ns}", reply => reply.Code == 404, "gone");
    }

    [Case(Needs = Needs.Controllers)]
    public async Task The_default_namespace_cannot_be_deleted() =>
        (await Api.Delete("/api/v1/namespaces/default")).ShouldFail(403, "Forbidden");

    const string Pod = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"nodeName":"n1","containers":[{"name":"a","image":"i:1"}]}}
        """;

    [Case(Needs = Needs.BuiltInRules)]
    public async Task A_pod_on_a_node_ends_with_grace_and_goes_when_the_node_says_so()
    {
        var ns = await server.NewNamespace();
        var pods = $"/api/v1/namespaces/{ns}/pods";
        (await Api.Post(pods, Pod)).ShouldBe(201);
        (await Api.Merge($"{pods}/p/status", """{"status":{"phase":"Running"}}""")).ShouldBe(200);
        var deleting = (await Api.Delete($"{pods}/p", """{"gracePeriodSeconds":7}""")).ShouldBe(200);
        deleting.Json["metadata"]!["deletionGracePeriodSeconds"]!.GetValue<int>().ShouldBe(7);
        DateTimeOffset.Parse(deleting.Json["metadata"]!["deletionTimestamp"]!.GetValue<string>())
            .ShouldBe(DateTimeOffset.UtcNow.AddSeconds(7), TimeSpan.FromSeconds(30));
        (await Api.Delete($"{pods}/p", $$$"""{"gracePeriodSeconds":0,"preconditions":{"uid":"{{{deleting.Uid}}}"}}""")).ShouldBe(200);
        (await Api.Get($"{pods}/p")).ShouldFail(404, "NotFound");
    }

    [Case(Needs = Needs.BuiltInRules)]
    public async Task A_pod_without_a_node_and_one_that_has_ended_go_at_once()
    {
        var ns = await server.NewNamespace();
        var pods = $"/api/v1/namespaces/{ns}/pods";
        (await Api.Post(pods, Pod.Replace("\"nodeName\":\"n1\",", ""))).ShouldBe(201);
        (await Api.Delete($"{pods}/p")).ShouldBe(200).Json["kind"]!.GetValue<string>().ShouldBe("Pod");
        (await Api.Get($"{pods}/p")).ShouldFail(404, "NotFound");
        (await Api.Post(pods, Pod)).ShouldBe(201);
        (await Api.Merge($"{pods}/p/status", """{"status":{"phase":"Succeeded"}}""")).ShouldBe(200);
        (await Api.Delete($"{pods}/p")).ShouldBe(200);
        (await Api.Get($"{pods}/p")).ShouldFail(404, "NotFound");
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class DeletionCasesOnLocalCluster(LocalServer server) : DeletionCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class DeletionCasesOnGivenServer(GivenServer server) : DeletionCases(server);
