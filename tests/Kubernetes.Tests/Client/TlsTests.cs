// Which server is trusted, and how we show who we are.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class TlsTests
{
    const string Good = """{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"5"}}""";

    [Fact]
    public async Task A_server_of_the_given_authority_is_trusted()
    {
        await using var server = await StartAsync("localhost");
        using var client = server.Connect(o => o with { CertificateAuthorityData = TestCertificates.Pem(TestCertificates.Authority) });
        (await client.GetAsync<ConfigMap>("a")).Metadata.Name.ShouldBe("a");
    }

    [Fact]
    public async Task A_server_of_another_authority_is_refused_and_the_message_says_what_to_check()
    {
        await using var server = await StartAsync("localhost");
        using var client = server.Connect(o => o with { CertificateAuthorityData = TestCertificates.Pem(TestCertificates.Other), MaxRetries = 0 });
        var error = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"));
        error.Reason.ShouldBe(KubernetesReasons.Unreachable);
        error.Message.ShouldContain("TLS");
        error.Message.ShouldContain("CA data");
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused_unless_that_name_is_asked_for()
    {
        await using var server = await StartAsync("api.example");
        using var strict = server.Connect(o => o with { CertificateAuthorityData = TestCertificates.Pem(TestCertificates.Authority), MaxRetries = 0 });
        await Should.ThrowAsync<KubernetesException>(() => strict.GetAsync<ConfigMap>("a"));
        using var told = server.Connect(o => o with { CertificateAuthorityData = TestCertificates.Pem(TestCertificates.Authority), TlsServerName = "api.example" });
        (await told.GetAsync<ConfigMap>("a")).Metadata.Name.ShouldBe("a");
    }

    [Fact]
    public async Task Skipping_verification_skips_it()
    {
        await using var server = await StartAsync("api.example");
        using var client = server.Connect(o => o with { InsecureSkipTlsVerify = true });
        (await client.GetAsync<ConfigMap>("a")).Metadata.Name.ShouldBe("a");
    }

    [Fact]
    public async Task A_client_certificate_is_shown()
    {
        var subject = "";
        await using var server = await ScriptedServer.StartAsync(
            context =>
            {
                subject = context.Connection.ClientCertificate!.Subject;
                return context.Response.WriteAsync(Good);
            },
            TestCertificates.Issue("localhost"), askClient: true);
        using var own = TestCertificates.Issue("me");
        using var client = server.Connect(o => o with
        {
            CertificateAuthorityData = TestCertificates.Pem(TestCertificates.Authority),
            ClientCertificateData = TestCertificates.Pem(own),
            ClientKeyData = TestCertificates.KeyPem(own),
        });
        await client.GetAsync<ConfigMap>("a");
        subject.ShouldBe("CN=me");
    }

    [Fact]
    public void Broken_certificate_data_is_told_when_the_client_is_made()
    {
        var options = new KubernetesClientOptions { Server = new("https://localhost:1") };
        Should.Throw<KubernetesException>(() => Make(options with { CertificateAuthorityData = "nothing"u8.ToArray() }))
            .Message.ShouldContain("certificate authority data");
        Should.Throw<KubernetesException>(() => Make(options with { ClientCertificateData = TestCertificates.Pem(TestCertificates.Authority) })).Message.ShouldContain("client key data");
        Should.Throw<KubernetesException>(() => Make(options with { ClientCertificateData = TestCertificates.Pem(TestCertificates.Authority), ClientKeyData = [1] }))
            .Reason.ShouldBe(KubernetesReasons.InvalidConfiguration);
    }

    static KubernetesClient Make(KubernetesClientOptions options) => new(options, TimeProvider.System, new Random(1));

    static Task<ScriptedServer> StartAsync(string name) =>
        ScriptedServer.StartAsync(context => context.Response.WriteAsync(Good), TestCertificates.Issue(name));
}
