using System.Text.Json.Nodes;
using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Tokens and permissions.</summary>
public abstract class AuthCases(Server server)
{
    Api Api => server.Api;

    Api As(string token) => new(Kubeconfig.Read(server.KubeconfigPath), token);

    [Case(Needs = Needs.Authentication)]
    public async Task Without_a_valid_token_nothing_but_health_is_answered()
    {
        using var nobody = As("not-a-token");
        (await nobody.Get("/api/v1/namespaces")).ShouldFail(401, "Unauthorized");
        (await nobody.Get("/version")).ShouldFail(401, "Unauthorized");
        (await nobody.Get("/readyz", "*/*")).ShouldBe(200).Text.ShouldBe("ok");
    }

    async Task<(string Token, string Namespace, string PodUid)> PodToken(string audiences = "")
    {
        var ns = await server.NewNamespace();
        await Api.Until($"/api/v1/namespaces/{ns}/serviceaccounts/default", reply => reply.Code == 200, "there");
        var pod = (await Api.Post($"/api/v1/namespaces/{ns}/pods",
            """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"i:1"}]}}""")).ShouldBe(201);
        var reply = (await Api.Post($"/api/v1/namespaces/{ns}/serviceaccounts/default/token", $$$"""
            {"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{ {{{audiences}}} "expirationSeconds":600,
             "boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p","uid":"{{{pod.Uid}}}"} }}
            """)).ShouldBe(201);
        var expires = DateTimeOffset.Parse(reply.Json["status"]!["expirationTimestamp"]!.GetValue<string>());
        expires.ShouldBe(DateTimeOffset.UtcNow.AddSeconds(600), TimeSpan.FromSeconds(60));
        return (reply.Json["status"]!["token"]!.GetValue<string>(), ns, pod.Uid);
    }

    async Task<JsonNode> Review(string token, string audiences = "") => (await Api.Post("/apis/authentication.k8s.io/v1/tokenreviews", $$$"""
        {"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{ {{{audiences}}} "token":"{{{token}}}"}}
        """)).ShouldBe(201).Json["status"]!;

    [Case(Needs = Needs.Authentication)]
    public async Task A_token_bound_to_a_pod_names_account_and_pod_and_dies_with_the_pod()
    {
        var (token, ns, podUid) = await PodToken();
        var status = await Review(token);
        status["authenticated"]!.GetValue<bool>().ShouldBeTrue();
        var user = status["user"]!;
        user["username"]!.GetValue<string>().ShouldBe($"system:serviceaccount:{ns}:default");
        user["groups"]!.AsArray().Select(g => g!.GetValue<string>())
            .ShouldBe(["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"]);
        user["extra"]!["authentication.kubernetes.io/pod-name"]![0]!.GetValue<string>().ShouldBe("p");
        user["extra"]!["authentication.kubernetes.io/pod-uid"]![0]!.GetValue<string>().ShouldBe(podUid);

        (await Api.Delete($"/api/v1/namespaces/{ns}/pods/p", """{"gracePeriodSeconds":0}""")).ShouldBe(200);
        (await Api.Post($"/api/v1/namespaces/{ns}/pods",
            """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"i:1"}]}}""")).ShouldBe(201);
        (await Review(token))["authenticated"]?.GetValue<bool>().ShouldBe(false);
    }

    [Case(Needs = Needs.Authentication)]
    public async Task A_token_is_valid_only_for_its_audiences()
    {
        var (token, _, _) = await PodToken("\"audiences\":[\"framelease-operator\"],");
        var status = await Review(token, "\"audiences\":[\"framelease-operator\",\"other\"],");
        status["authenticated"]!.GetValue<bool>().ShouldBeTrue();
        status["audiences"]!.ToJsonString().ShouldBe("""["framelease-operator"]""");
        (await Review(token))["authenticated"]?.GetValue<bool>().ShouldBe(false);
        using var pod = As(token);
        (await pod.Get("/version")).ShouldFail(401, "Unauthorized");
    }

    [Case(Needs = Needs.Authentication)]
    public async Task A_forged_token_is_not_authenticated()
    {
        var (token, _, _) = await PodToken();
        var parts = token.Split('.');
        (await Review($"{parts[0]}.{parts[1]}.{new string('A', parts[2].Length)}"))["authenticated"]?.GetValue<bool>().ShouldBe(false);
        (await Review("nonsense"))["authenticated"]?.GetValue<bool>().ShouldBe(false);
    }

    [Case(Needs = Needs.Authentication)]
    public async Task A_pods_token_may_look_around_and_ask_about_itself_but_not_more()
    {
        var (token, ns, _) = await PodToken();
        using var pod = As(token);
        (await pod.Get("/version")).ShouldBe(200);
        (await pod.Get("/apis")).ShouldBe(200);
        var refused = (await pod.Get($"/api/v1/namespaces/{ns}/pods")).ShouldFail(403, "Forbidden");
        refused.Message.ShouldContain($"User \"system:serviceaccount:{ns}:default\" cannot list resource \"pods\" in API group \"\" in the namespace \"{ns}\"");
        var self = (await pod.Post("/apis/authentication.k8s.io/v1/selfsubjectreviews",
            """{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}""")).ShouldBe(201);
        self.Json["status"]!["userInfo"]!["username"]!.GetValue<string>().ShouldBe($"system:serviceaccount:{ns}:default");
        (await pod.Post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """
            {"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"list","resource":"pods"}}}
            """)).ShouldBe(201).Json["status"]!["allowed"]!.GetValue<bool>().ShouldBeFalse();
    }

    [Case(Needs = Needs.Authentication)]
    public async Task Access_of_somebody_else_is_answered_from_the_same_table()
    {
        async Task<bool> Allowed(string who) => (await Api.Post("/apis/authorization.k8s.io/v1/subjectaccessreviews", $$$"""
            {"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview",
             "spec":{ {{{who}}} "resourceAttributes":{"verb":"create","group":"framelease.dev","resource":"videotasks","namespace":"default"} }}
            """)).ShouldBe(201).Json["status"]!["allowed"]!.GetValue<bool>();
        (await Allowed("\"user\":\"x\",\"groups\":[\"system:masters\"],")).ShouldBeTrue();
        (await Allowed("\"user\":\"system:serviceaccount:framelease-system:framelease-operator\",")).ShouldBeTrue();
        (await Allowed("\"user\":\"system:serviceaccount:default:default\",\"groups\":[\"system:authenticated\"],")).ShouldBeFalse();
    }

    [Case(Needs = Needs.Authentication)]
    public async Task Tokens_shorter_than_ten_minutes_and_for_other_pods_are_refused()
    {
        var ns = await server.NewNamespace();
        await Api.Until($"/api/v1/namespaces/{ns}/serviceaccounts/default", reply => reply.Code == 200, "there");
        var path = $"/api/v1/namespaces/{ns}/serviceaccounts/default/token";
        (await Api.Post(path, """{"spec":{"expirationSeconds":5}}""")).ShouldFail(422, "Invalid");
        (await Api.Post(path, """{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"nobody"}}}""")).ShouldFail(404, "NotFound");
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class AuthCasesOnLocalCluster(LocalServer server) : AuthCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class AuthCasesOnGivenServer(GivenServer server) : AuthCases(server);
