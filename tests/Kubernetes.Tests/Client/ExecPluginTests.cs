// Credentials from a program: a shell script that counts its runs.
using System.Globalization;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class ExecPluginTests : IDisposable
{
    const string V1 = "client.authentication.k8s.io/v1";

    readonly string _folder = Directory.CreateTempSubdirectory("exec-").FullName;
    readonly ManualTimeProvider _time = new();
    string _accepted = "";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_token_is_kept_until_it_expires_and_then_asked_for_again()
    {
        var expires = _time.GetUtcNow().AddMinutes(10).ToString("O", CultureInfo.InvariantCulture);
        await using var server = await ScriptedServer.StartAsync(AnswerAsync);
        using var client = Connect(server, Counting($$"""{"token":"t$n","expirationTimestamp":"{{expires}}"}"""));
        await client.GetAsync<ConfigMap>("a");
        await client.GetAsync<ConfigMap>("a");
        (Runs, _accepted).ShouldBe((1, "Bearer t1"));
        _time.Advance(TimeSpan.FromMinutes(10));
        await client.GetAsync<ConfigMap>("a");
        (Runs, _accepted).ShouldBe((2, "Bearer t2"));
    }

    [Fact]
    public async Task A_refused_token_is_asked_for_again_once()
    {
        var left = 1;
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            if (left-- <= 0)
                return AnswerAsync(context);
            context.Response.StatusCode = 401;
            return Task.CompletedTask;
        });
        using var client = Connect(server, Counting("""{"token":"t$n"}"""));
        await client.GetAsync<ConfigMap>("a");
        (Runs, _accepted).ShouldBe((2, "Bearer t2"));
        left = int.MaxValue;
        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"))).Reason.ShouldBe(KubernetesReasons.Unauthorized);
        Runs.ShouldBe(3, "no loop");
    }

    [Theory]
    [InlineData("echo no login >&2; exit 3", "ended with exit status 3: no login")]
    [InlineData("echo hello", "printed something else than JSON: hello")]
    [InlineData("echo '{\"apiVersion\":\"v9\"}'", "printed apiVersion 'v9' instead of 'client.authentication.k8s.io/v1'")]
    [InlineData("echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'", "printed neither status.token nor status.clientCertificateData")]
    public async Task What_the_program_did_wrong_is_told_with_the_field(string script, string message)
    {
        await using var server = await ScriptedServer.StartAsync(AnswerAsync);
        using var client = Connect(server, Script(script));
        var error = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"));
        error.Message.ShouldStartWith("kubeconfig k: users[0].user.exec: ");
        error.Message.ShouldContain(message);
        error.Reason.ShouldBe(KubernetesReasons.InvalidConfiguration);
        server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_told_with_the_hint()
    {
        await using var server = await ScriptedServer.StartAsync(AnswerAsync);
        using var client = Connect(server, new($"{_folder}/nobody", [], new Dictionary<string, string>(), V1) { InstallHint = "get it at x" });
        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"))).Message.ShouldContain("get it at x");
    }

    int Runs => File.ReadAllLines($"{_folder}/runs").Length;

    Task AnswerAsync(HttpContext context)
    {
        _accepted = context.Request.Headers.Authorization!;
        return context.Response.WriteAsync("""{"metadata":{"name":"a","resourceVersion":"5"}}""");
    }

    ExecPlugin Counting(string status) =>
        Script($$"""
            echo run >> "$FOLDER/runs"
            n=$(wc -l < "$FOLDER/runs" | tr -d ' ')
            cat <<END
            {"apiVersion":"{{V1}}","kind":"ExecCredential","status":{{status}}}
            END
            """);

    ExecPlugin Script(string script) => new("/bin/sh", ["-c", script], new Dictionary<string, string> { ["FOLDER"] = _folder }, V1)
    {
        Field = "kubeconfig k: users[0].user.exec",
    };

    KubernetesClient Connect(ScriptedServer server, ExecPlugin plugin) =>
        server.Connect(o => o with { Exec = plugin, MaxRetries = 0 }, _time);
}
