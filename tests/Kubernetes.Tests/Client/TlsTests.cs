// Which server is trusted, and how we show who we are.
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class TlsTests
{
    const string Good = """{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"5"}}""";

    static readonly X509Certificate2 Authority = MakeAuthority(), Other = MakeAuthority();

    [Fact]
    public async Task A_server_of_the_given_authority_is_trusted()
    {
        await using var server = await StartAsync("localhost");
        using var client = server.Connect(o => o with { CertificateAuthorityData = Pem(Authority) });
        (await client.GetAsync<ConfigMap>("a")).Metadata.Name.ShouldBe("a");
    }

    [Fact]
    public async Task A_server_of_another_authority_is_refused_and_the_message_says_what_to_check()
    {
        await using var server = await StartAsync("localhost");
        using var client = server.Connect(o => o with { CertificateAuthorityData = Pem(Other), MaxRetries = 0 });
        var error = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"));
        error.Reason.ShouldBe(KubernetesReasons.Unreachable);
        error.Message.ShouldContain("TLS");
        error.Message.ShouldContain("CA data");
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused_unless_that_name_is_asked_for()
    {
        await using var server = await StartAsync("api.example");
        using var strict = server.Connect(o => o with { CertificateAuthorityData = Pem(Authority), MaxRetries = 0 });
        await Should.ThrowAsync<KubernetesException>(() => strict.GetAsync<ConfigMap>("a"));
        using var told = server.Connect(o => o with { CertificateAuthorityData = Pem(Authority), TlsServerName = "api.example" });
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
            Issue("localhost"), askClient: true);
        using var own = Issue("me");
        using var key = own.GetECDsaPrivateKey()!;
        using var client = server.Connect(o => o with
        {
            CertificateAuthorityData = Pem(Authority),
            ClientCertificateData = Pem(own),
            ClientKeyData = Encoding.UTF8.GetBytes(key.ExportPkcs8PrivateKeyPem()),
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
        Should.Throw<KubernetesException>(() => Make(options with { ClientCertificateData = Pem(Authority) })).Message.ShouldContain("client key data");
        Should.Throw<KubernetesException>(() => Make(options with { ClientCertificateData = Pem(Authority), ClientKeyData = [1] }))
            .Reason.ShouldBe(KubernetesReasons.InvalidConfiguration);
    }

    static KubernetesClient Make(KubernetesClientOptions options) => new(options, TimeProvider.System, new Random(1));

    static Task<ScriptedServer> StartAsync(string name) =>
        ScriptedServer.StartAsync(context => context.Response.WriteAsync(Good), Issue(name));

    static X509Certificate2 MakeAuthority()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    static X509Certificate2 Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Parse("127.9.9.9"));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(
            Authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    static byte[] Pem(X509Certificate2 certificate) => Encoding.UTF8.GetBytes(certificate.ExportCertificatePem());
}
