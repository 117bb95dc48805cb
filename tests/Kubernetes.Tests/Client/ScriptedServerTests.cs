// The client against a server that answers badly, slowly, or not at all.
using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class ScriptedServerTests
{
    const string Good = """{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"5"},"data":{"key":"x"}}""";

    [Fact]
    public async Task A_read_survives_resets_and_server_errors()
    {
        var left = 3;
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            switch (left--)
            {
                case 3:
                    context.Abort();
                    break;
                case 2:
                    context.Response.StatusCode = 500;
                    break;
                case 1:
                    await context.Response.WriteAsync(Good[..20]);
                    context.Abort();
                    break;
                default:
                    await context.Response.WriteAsync(Good);
                    break;
            }
        });
        using var client = server.Connect();
        (await client.GetAsync<ConfigMap>("a")).Data!["key"].ShouldBe("x");
        server.Requests.Count.ShouldBe(4);
    }

    [Fact]
    public async Task A_write_whose_fate_is_unknown_is_not_sent_twice()
    {
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        using var client = server.Connect();
        var error = await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(new ConfigMap { Metadata = new() { Name = "a" } }));
        error.Reason.ShouldBe(KubernetesReasons.Unreachable);
        error.IsTransient.ShouldBeTrue();
        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_write_that_was_refused_for_load_is_sent_again_after_Retry_After()
    {
        var first = true;
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            if (first)
            {
                first = false;
                context.Response.StatusCode = 429;
                context.Response.Headers.RetryAfter = "1";
                return;
            }

            context.Response.StatusCode = 201;
            await context.Response.WriteAsync(Good);
        });
        using var client = server.Connect();
        var started = TimeProvider.System.GetTimestamp();
        await client.CreateAsync(new ConfigMap { Metadata = new() { Name = "a" } });
        TimeProvider.System.GetElapsedTime(started).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_write_that_may_be_repeated_survives_a_lost_connection_and_another_is_left_to_the_caller()
    {
        var lose = true;
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            if (!lose)
                return context.Response.WriteAsync(Good);
            lose = false;
            context.Abort();
            return Task.CompletedTask;
        });
        using var client = server.Connect();
        var map = new ConfigMap { Metadata = new() { Name = "a", ResourceVersion = "4" } };

        async Task<int> RequestsAsync(Func<Task> write)
        {
            var before = server.Requests.Count;
            lose = true;
            await write();
            return server.Requests.Count - before;
        }

        (await RequestsAsync(() => client.ReplaceAsync(map))).ShouldBe(2);
        (await RequestsAsync(() => client.ServerSideApplyAsync(new ConfigMap { Metadata = new() { Name = "a" } }, "me"))).ShouldBe(2);
        (await RequestsAsync(() => client.DeleteAsync<ConfigMap>("a", null, DeleteOptions.ForUid("u1")))).ShouldBe(2);
        (await RequestsAsync(() => Should.ThrowAsync<KubernetesException>(() => client.DeleteAsync<ConfigMap>("a")))).ShouldBe(1);
        (await RequestsAsync(() => Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(map)))).ShouldBe(1);
        (await RequestsAsync(() => Should.ThrowAsync<KubernetesException>(() =>
            client.ReplaceAsync(map with { Metadata = new() { Name = "a" } })))).ShouldBe(1);
        (await RequestsAsync(() => Should.ThrowAsync<KubernetesException>(() =>
            client.PatchAsync<ConfigMap>("a", null, Patch.Merge(new { data = new { k = "v" } }))))).ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up_after_the_timeout()
    {
        await using var server = await ScriptedServer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var client = server.Connect(o => o with { Timeout = TimeSpan.FromMilliseconds(100), MaxRetries = 1 });
        var error = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"));
        error.Reason.ShouldBe(KubernetesReasons.TimedOut);
        server.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task The_callers_cancellation_is_not_an_error_of_the_server()
    {
        await using var server = await ScriptedServer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var client = server.Connect();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Should.ThrowAsync<OperationCanceledException>(() => client.GetAsync<ConfigMap>("a", ct: stop.Token));
    }

    [Theory]
    [InlineData("<html>welcome</html>")]
    [InlineData("null")]
    [InlineData("{\"metadata\":{\"name\":5}}")]
    public async Task A_server_that_is_not_Kubernetes_is_called_that(string body)
    {
        await using var server = await ScriptedServer.StartAsync(context => context.Response.WriteAsync(body));
        using var client = server.Connect();
        var error = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"));
        error.Reason.ShouldBe(KubernetesReasons.InvalidResponse);
        error.Message.ShouldContain("not what a Kubernetes API server sends");
        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_refusal_without_a_Status_still_gets_a_reason()
    {
        await using var server = await ScriptedServer.StartAsync(context =>
        {
            context.Response.StatusCode = 403;
            return context.Response.WriteAsync("the proxy says no");
        });
        using var client = server.Connect();
        var error = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"));
        error.Reason.ShouldBe(KubernetesReasons.Forbidden);
        error.Message.ShouldContain("the proxy says no");
    }

    [Fact]
    public async Task Nobody_listening_is_told_with_the_address()
    {
        var server = await ScriptedServer.StartAsync(_ => Task.CompletedTask);
        using var client = server.Connect(o => o with { MaxRetries = 2 });
        await server.DisposeAsync();
        var error = await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(new ConfigMap { Metadata = new() { Name = "a" } }));
        error.Reason.ShouldBe(KubernetesReasons.Unreachable);
        error.Message.ShouldContain(server.Address.Authority);
    }

    [Fact]
    public async Task What_is_sent_has_kind_namespace_token_and_only_the_fields_that_are_set()
    {
        var seen = "";
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            seen = $"{context.Request.Headers.Authorization} {await reader.ReadToEndAsync()}";
            await context.Response.WriteAsync(Good);
        });
        using var client = server.Connect(o => o with { Token = "secret", Namespace = "mine" });
        await client.CreateAsync(new ConfigMap { Metadata = new() { Name = "a" }, Data = new Dictionary<string, string> { ["k"] = "ü" } });
        server.Requests.Single().ShouldBe("POST /api/v1/namespaces/mine/configmaps");
        seen.ShouldBe("""Bearer secret {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"ü"}}""");
    }

    [Fact]
    public async Task A_rotated_token_file_is_read_again_when_the_old_token_is_refused()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "old\n");
            await using var server = await ScriptedServer.StartAsync(context =>
            {
                context.Response.StatusCode = context.Request.Headers.Authorization == "Bearer new" ? 200 : 401;
                return context.Response.StatusCode == 200 ? context.Response.WriteAsync(Good) : Task.CompletedTask;
            });
            using var client = server.Connect(o => o with { TokenFile = file });
            (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<ConfigMap>("a"))).Reason.ShouldBe(KubernetesReasons.Unauthorized);
            server.Requests.Count.ShouldBe(1, "the same token is not tried twice");
            await File.WriteAllTextAsync(file, "new\n");
            (await client.GetAsync<ConfigMap>("a")).Metadata.Name.ShouldBe("a");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Logs_are_a_stream_that_ends_when_it_is_disposed()
    {
        var ended = new TaskCompletionSource();
        await using var server = await ScriptedServer.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => ended.TrySetResult());
            await context.Response.WriteAsync("line 1\n");
            await context.Response.Body.FlushAsync();
            await ended.Task;
        });
        using var client = server.Connect();
        await using (var stream = await client.LogsAsync("p", "ns", new() { Follow = true, TailLines = 5, Container = "c" }, default))
        using (var reader = new StreamReader(stream))
            (await reader.ReadLineAsync()).ShouldBe("line 1");
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(120));
        server.Requests.Single().ShouldBe("GET /api/v1/namespaces/ns/pods/p/log?container=c&follow=true&tailLines=5");
    }
}
