// Certificates that change under a running client: files that are replaced, and programs that hand out others.
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class RotationTests : IDisposable
{
    const string V1 = "client.authentication.k8s.io/v1";

    static readonly TimeSpan Soon = TimeSpan.FromSeconds(61);

    readonly string _folder = Directory.CreateTempSubdirectory("rotation-").FullName;
    readonly ManualTimeProvider _time = new();
    readonly HashSet<string> _revoked = [];
    string _shown = "";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_replaced_client_certificate_is_shown_within_a_minute()
    {
        await using var server = await ServerAsync();
        Write("old");
        using var client = server.Connect(Files, _time);
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=old");
        Write("new");
        _time.Advance(Soon);
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=new");
    }

    [Fact]
    public async Task A_refused_certificate_is_read_again_at_once()
    {
        Write("old");
        await using var server = await ServerAsync();
        using var client = server.Connect(Files, _time);
        await client.GetAsync<ConfigMap>("a");
        _revoked.Add("CN=old");
        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"))).Reason.ShouldBe(KubernetesReasons.Unauthorized);
        server.Requests.Count.ShouldBe(2, "the same certificate is not tried twice");
        Write("new");
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=new");
    }

    [Fact]
    public async Task A_half_written_pair_leaves_the_old_one_in_use_until_it_is_whole()
    {
        Write("old");
        await using var server = await ServerAsync();
        using var client = server.Connect(Files, _time);
        await client.GetAsync<ConfigMap>("a");
        using var next = TestCertificates.Issue("new");
        await File.WriteAllBytesAsync(Certificate, TestCertificates.Pem(next)); // with the old key
        _time.Advance(Soon);
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=old");
        await File.WriteAllBytesAsync(Key, TestCertificates.KeyPem(next));
        _time.Advance(Soon);
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=new");
    }

    [Fact]
    public async Task A_replaced_authority_is_trusted_and_the_old_one_is_not_any_more()
    {
        Write("me");
        await File.WriteAllBytesAsync(Authority, TestCertificates.Pem(TestCertificates.Other));
        await using var server = await ServerAsync();
        using var client = server.Connect(o => Files(o) with { MaxRetries = 0 }, _time);
        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"))).Message.ShouldContain("TLS");
        await File.WriteAllBytesAsync(Authority, TestCertificates.Pem(TestCertificates.Authority));
        _time.Advance(Soon);
        await client.GetAsync<ConfigMap>("a");
        await File.WriteAllBytesAsync(Authority, TestCertificates.Pem(TestCertificates.Other));
        _time.Advance(Soon);
        await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"));
    }

    [Fact]
    public async Task What_was_begun_with_the_old_certificate_ends_in_peace()
    {
        Write("old");
        var (begun, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var server = await ServerAsync(async () =>
        {
            if (begun.TrySetResult())
                await go.Task;
        });
        using var client = server.Connect(Files, _time);
        var slow = client.GetAsync<ConfigMap>("a");
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Write("new");
        _time.Advance(TimeSpan.FromSeconds(29)); // of the request's 30
        await client.GetAsync<ConfigMap>("a");
        go.SetResult();
        (await slow).Metadata.Name.ShouldBe("a");
    }

    [Fact]
    public async Task A_program_may_hand_out_a_certificate_and_another_one_when_it_expires()
    {
        await using var server = await ServerAsync();
        var expires = _time.GetUtcNow().AddMinutes(10);
        Print("old", expires);
        using var client = server.Connect(o => Trusting(o) with { Exec = Program }, _time);
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=old");
        Print("new", expires.AddHours(1));
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=old", "it is kept until it expires");
        _time.Advance(TimeSpan.FromMinutes(10));
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=new");
    }

    [Fact]
    public async Task A_certificate_of_a_program_that_is_refused_is_asked_for_again_once()
    {
        await using var server = await ServerAsync();
        Print("old", null);
        using var client = server.Connect(o => Trusting(o) with { Exec = Program }, TimeProvider.System);
        await client.GetAsync<ConfigMap>("a");
        _revoked.Add("CN=old");
        Print("new", null);
        await client.GetAsync<ConfigMap>("a");
        _shown.ShouldBe("CN=new");
        _revoked.Add("CN=new");
        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"))).Reason.ShouldBe(KubernetesReasons.Unauthorized);
    }

    [Theory]
    [InlineData("\"clientCertificateData\":\"x\"", "printed only one of status.clientCertificateData and status.clientKeyData")]
    [InlineData("\"clientCertificateData\":\"x\",\"clientKeyData\":\"y\"", "not valid PEM, or do not belong together")]
    public async Task A_program_that_prints_half_a_certificate_is_told_so(string status, string message)
    {
        await using var server = await ServerAsync();
        await File.WriteAllTextAsync(Printed, $$$"""{"apiVersion":"{{{V1}}}","kind":"ExecCredential","status":{{{{status}}}}}""");
        using var client = server.Connect(o => Trusting(o) with { Exec = Program }, _time);
        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"))).Message.ShouldContain(message);
    }

    string Authority => Path.Combine(_folder, "ca.pem");

    string Certificate => Path.Combine(_folder, "tls.crt");

    string Key => Path.Combine(_folder, "tls.key");

    string Printed => Path.Combine(_folder, "printed");

    ExecPlugin Program => new("/bin/cat", [Printed], new Dictionary<string, string>(), V1);

    KubernetesClientOptions Files(KubernetesClientOptions options) =>
        options with { CertificateAuthorityFile = Authority, ClientCertificateFile = Certificate, ClientKeyFile = Key };

    static KubernetesClientOptions Trusting(KubernetesClientOptions options) =>
        options with { CertificateAuthorityData = TestCertificates.Pem(TestCertificates.Authority) };

    Task<ScriptedServer> ServerAsync(Func<Task>? before = null)
    {
        if (!File.Exists(Authority))
            Write("nobody");
        return ScriptedServer.StartAsync(
            async context =>
            {
                if (before is not null)
                    await before();
                _shown = context.Connection.ClientCertificate!.Subject;
                context.Response.StatusCode = _revoked.Contains(_shown) ? 401 : 200;
                if (context.Response.StatusCode == 200)
                    await context.Response.WriteAsync("""{"metadata":{"name":"a","resourceVersion":"5"}}""");
            },
            TestCertificates.Issue("localhost"), askClient: true);
    }

    void Write(string name)
    {
        using var own = TestCertificates.Issue(name);
        File.WriteAllBytes(Authority, TestCertificates.Pem(TestCertificates.Authority));
        File.WriteAllBytes(Certificate, TestCertificates.Pem(own));
        File.WriteAllBytes(Key, TestCertificates.KeyPem(own));
    }

    void Print(string name, DateTimeOffset? expires)
    {
        using var own = TestCertificates.Issue(name);
        var status = new JsonObject
        {
            ["clientCertificateData"] = Encoding.UTF8.GetString(TestCertificates.Pem(own)),
            ["clientKeyData"] = Encoding.UTF8.GetString(TestCertificates.KeyPem(own)),
            ["expirationTimestamp"] = expires?.ToString("O"),
        };
        File.WriteAllText(Printed, new JsonObject { ["apiVersion"] = V1, ["kind"] = "ExecCredential", ["status"] = status }.ToJsonString());
    }
}
