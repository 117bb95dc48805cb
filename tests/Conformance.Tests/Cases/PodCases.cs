using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Defaults, checks and logs of pods, and the two faces of events.</summary>
public abstract class PodCases(Server server)
{
    Api Api => server.Api;

    static string Pod(string spec) => $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{{{spec}}}}""";

    static string Status(int restarts, string state) => $$$"""
        {"status":{"phase":"Running","containerStatuses":[
         {"name":"a","restartCount":{{{restarts}}},"ready":true,"image":"i:1","imageID":"","state":{{{state}}}}]}}
        """;

    [Case(Needs = Needs.BuiltInRules)]
    public async Task A_new_pod_is_pending_and_has_its_defaults()
    {
        var ns = await server.NewNamespace();
        var pod = (await Api.Post($"/api/v1/namespaces/{ns}/pods", Pod("""{"containers":[{"name":"a","image":"i:1"}]}"""))).ShouldBe(201).Json;
        pod["status"]!["phase"]!.GetValue<string>().ShouldBe("Pending");
        pod["status"]!["qosClass"]!.GetValue<string>().ShouldBe("BestEffort");
        pod["spec"]!["restartPolicy"]!.GetValue<string>().ShouldBe("Always");
        pod["spec"]!["terminationGracePeriodSeconds"]!.GetValue<int>().ShouldBe(30);
        pod["spec"]!["serviceAccountName"]!.GetValue<string>().ShouldBe("default");
        pod["spec"]!["containers"]![0]!["imagePullPolicy"]!.GetValue<string>().ShouldBe("IfNotPresent");
    }

    [Case(Needs = Needs.BuiltInRules)]
    public async Task A_pod_that_cannot_run_is_invalid()
    {
        var ns = await server.NewNamespace();
        async Task Refused(string spec, string field) =>
            (await Api.Post($"/api/v1/namespaces/{ns}/pods", Pod(spec))).ShouldFail(422, "Invalid").Fields.ShouldContain(field);
        await Refused("""{"containers":[]}""", "spec.containers");
        await Refused("""{"containers":[{"name":"A B","image":"i:1"}]}""", "spec.containers[0].name");
        await Refused("""{"containers":[{"name":"a","image":"i:1"},{"name":"a","image":"i:1"}]}""", "spec.containers[1].name");
        await Refused("""{"containers":[{"name":"a"}]}""", "spec.containers[0].image");
        await Refused("""{"restartPolicy":"Sometimes","containers":[{"name":"a","image":"i:1"}]}""", "spec.restartPolicy");
    }

    [Case(Needs = Needs.BuiltInRules)]
    public async Task The_spec_of_a_pod_is_fixed_but_it_can_be_bound_to_a_node_once()
    {
        var ns = await server.NewNamespace();
        var pods = $"/api/v1/namespaces/{ns}/pods";
        (await Api.Post(pods, Pod("""{"containers":[{"name":"a","image":"i:1","command":["x"]}]}"""))).ShouldBe(201);
        (await Api.Strategic($"{pods}/p", """{"spec":{"containers":[{"name":"a","command":["y"]}]}}""")).ShouldFail(422, "Invalid");
        (await Api.Merge($"{pods}/p", """{"spec":{"nodeName":"n1"}}""")).ShouldBe(200);
        (await Api.Merge($"{pods}/p", """{"spec":{"nodeName":"n2"}}""")).ShouldFail(422, "Invalid");
    }

    [Case(Needs = Needs.DataDirectory)]
    public async Task The_log_of_a_container_is_read_from_its_file()
    {
        var ns = await server.NewNamespace();
        var path = $"/api/v1/namespaces/{ns}/pods/p";
        var pod = (await Api.Post($"/api/v1/namespaces/{ns}/pods", Pod("""{"nodeName":"n1","containers":[{"name":"a","image":"i:1"}]}"""))).ShouldBe(201);
        (await Api.Merge($"{path}/status", Status(1, """{"running":{}}"""))).ShouldBe(200);
        var folder = Path.Combine(((LocalServer)server).Process.DataDirectory, "pods", pod.Uid, "a");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "0.log"), "before\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "1.log"), "one\ntwo\nthree\n");

        (await Api.Get($"{path}/log", "*/*")).ShouldBe(200).Text.ShouldBe("one\ntwo\nthree\n");
        (await Api.Get($"{path}/log?container=a&tailLines=2", "*/*")).Text.ShouldBe("two\nthree\n");
        (await Api.Get($"{path}/log?tailLines=0", "*/*")).Text.ShouldBe("");
        (await Api.Get($"{path}/log?limitBytes=5", "*/*")).Text.ShouldBe("one\nt");
        (await Api.Get($"{path}/log?previous=true", "*/*")).Text.ShouldBe("before\n");
        (await Api.Get($"{path}/log?timestamps=true&tailLines=1", "*/*")).Text.ShouldMatch("^[0-9]{4}-.*Z three\n$");
        (await Api.Get($"{path}/log?container=nobody", "*/*")).ShouldFail(400, "BadRequest").Message.ShouldContain("container nobody is not valid for pod p");
    }

    [Case(Needs = Needs.DataDirectory)]
    public async Task A_followed_log_goes_on_until_the_container_has_ended()
    {
        var ns = await server.NewNamespace();
        var path = $"/api/v1/namespaces/{ns}/pods/p";
        var pod = (await Api.Post($"/api/v1/namespaces/{ns}/pods", Pod("""{"nodeName":"n1","containers":[{"name":"a","image":"i:1"}]}"""))).ShouldBe(201);
        (await Api.Merge($"{path}/status", Status(0, """{"running":{}}"""))).ShouldBe(200);
        var folder = Path.Combine(((LocalServer)server).Process.DataDirectory, "pods", pod.Uid, "a");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "0.log"), "one\n");
        using var following = await Api.Open($"{path}/log?follow=true");
        (await following.ReadLineAsync()).ShouldBe("one");
        await File.AppendAllTextAsync(Path.Combine(folder, "0.log"), "last words\n");
        (await Api.Merge($"{path}/status", Status(0, """{"running":null,"terminated":{"exitCode":0}}"""))).ShouldBe(200);
        (await following.ReadToEndAsync()).ShouldBe("last words\n");
    }

    [Case(Needs = Needs.BuiltInRules)]
    public async Task An_event_is_the_same_object_in_both_of_its_groups()
    {
        var ns = await server.NewNamespace();
        (await Api.Post($"/apis/events.k8s.io/v1/namespaces/{ns}/events", $$$"""
            {"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"e"},"eventTime":"2026-01-02T03:04:05.000006Z",
             "reportingController":"example.com/c","reportingInstance":"c-1","action":"Look","reason":"Seen","type":"Normal","note":"hello",
             "regarding":{"kind":"Widget","namespace":"{{{ns}}}","name":"a"}}
            """)).ShouldBe(201);
        var core = (await Api.Get($"/api/v1/namespaces/{ns}/events/e")).ShouldBe(200).Json;
        core["kind"]!.GetValue<string>().ShouldBe("Event");
        core["apiVersion"]!.GetValue<string>().ShouldBe("v1");
        core["message"]!.GetValue<string>().ShouldBe("hello");
        core["involvedObject"]!["name"]!.GetValue<string>().ShouldBe("a");
        (await Api.Get($"/api/v1/namespaces/{ns}/events?fieldSelector=involvedObject.name%3Da")).Names.ShouldBe(["e"]);
        (await Api.Get($"/apis/events.k8s.io/v1/namespaces/{ns}/events/e")).Json["note"]!.GetValue<string>().ShouldBe("hello");
    }

    [Case]
    public async Task A_secret_takes_texts_and_gives_them_back_encoded()
    {
        var ns = await server.NewNamespace();
        (await Api.Post($"/api/v1/namespaces/{ns}/secrets", """
            {"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"a":"b"},"data":{"c":"ZA=="}}
            """)).ShouldBe(201);
        var secret = (await Api.Get($"/api/v1/namespaces/{ns}/secrets/s")).ShouldBe(200).Json;
        secret["data"]!["a"]!.GetValue<string>().ShouldBe("Yg==");
        secret["data"]!["c"]!.GetValue<string>().ShouldBe("ZA==");
        secret.ContainsKey("stringData").ShouldBeFalse();
    }

    [Case]
    public async Task A_lease_is_taken_and_renewed()
    {
        var ns = await server.NewNamespace();
        var leases = $"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases";
        var lease = (await Api.Post(leases, """
            {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l"},
             "spec":{"holderIdentity":"me","leaseDurationSeconds":15,"acquireTime":"2026-01-02T03:04:05.000006Z","renewTime":"2026-01-02T03:04:05.000006Z"}}
            """)).ShouldBe(201).Json;
        lease["spec"]!["renewTime"] = "2026-01-02T03:04:10.000000Z";
        (await Api.Put($"{leases}/l", lease)).ShouldBe(200);
        lease["spec"]!["holderIdentity"] = "you";
        (await Api.Put($"{leases}/l", lease)).ShouldFail(409, "Conflict");
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class PodCasesOnLocalCluster(LocalServer server) : PodCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class PodCasesOnGivenServer(GivenServer server) : PodCases(server);
