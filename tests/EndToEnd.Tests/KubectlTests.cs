using System.Text.Json.Nodes;
using Framelease.Cli.Processes;
using Framelease.EndToEnd.Tests.Support;

namespace Framelease.EndToEnd.Tests;

/// <summary>The stock kubectl, as a user would type it.</summary>
public sealed class KubectlTests(Platform platform) : IClassFixture<Platform>
{
    [KubectlFact]
    public async Task The_samples_run_from_apply_to_delete()
    {
        await platform.UploadAsync(Clips.Short, "inputs/clip.mp4");

        (await KubectlAsync("apply", "-f", Dist.Samples)).ShouldBe(
            "gpupool.framelease.dev/default unchanged\ntenant.framelease.dev/default unchanged\nvideotask.framelease.dev/clip created",
            "what the platform began with is what kubectl would have made of the same files");
        (await KubectlAsync("apply", "-f", Path.Combine(Dist.Samples, "engines"))).ShouldContain("engine.framelease.dev/ffmpeg-transcode");
        (await KubectlAsync("wait", "--for=condition=Succeeded", "vt/clip", "--timeout=60s")).ShouldContain("condition met");

        (await KubectlAsync("get", "videotasks")).ShouldMatch(@"NAME\s+PHASE\s+ENGINE[\s\S]*clip\s+Succeeded\s+ffmpeg-transcode");
        (await KubectlAsync("get", "vt", "-o", "wide")).ShouldMatch(@"OUTPUT[\s\S]*file://");
        (await KubectlAsync("get", "vt", "clip", "-o", "jsonpath={.status.output.videoCodec}")).ShouldBe("h264");
        (await KubectlAsync("get", "gl,gp,eng,ten,nodes,pods")).ShouldContain("gpulease.framelease.dev/clip-");
        (await KubectlAsync("describe", "vt", "clip")).ShouldMatch(@"Type:\s+Succeeded[\s\S]*Events:");
        (await KubectlAsync("apply", "-f", Dist.Samples)).ShouldContain("videotask.framelease.dev/clip unchanged");

        var its = "framelease.dev/task-uid=" + await KubectlAsync("get", "vt", "clip", "-o", "jsonpath={.metadata.uid}");
        (await KubectlAsync("get", "pods,gl", "-l", its)).ShouldContain("clip-");
        (await KubectlAsync("delete", "vt", "clip", "--timeout=30s")).ShouldContain("deleted");
        (await KubectlAsync("get", "vt", "clip", "--ignore-not-found")).ShouldBeEmpty();
        await Until.True(async () => (await KubectlAsync("get", "pods,gl", "-l", its, "--ignore-not-found")).Length == 0, "pods and leases go with their task");
    }

    [KubectlFact]
    public async Task Logs_follow_the_worker_until_it_ends()
    {
        await platform.UploadAsync(Clips.Short, "inputs/short.mp4");
        var name = await platform.SubmitAsync(new JsonObject { ["parameters"] = new JsonObject { ["height"] = 90, ["preset"] = "medium" } });
        var pod = await Until.NotNull(async () => (await platform.ViewAsync(name)).Pod, "the pod has a name");
        // `kubectl wait --for=jsonpath` is younger than the kubectl of Debian 12 (1.20).
        await Until.True(async () => await KubectlAsync("get", "pod", pod, "-o", "jsonpath={.status.phase}") == "Succeeded", "the pod has succeeded", 60);

        var log = await KubectlAsync("logs", "-f", pod);

        log.ShouldNotBeEmpty();
        (await platform.EndedAsync(name)).Succeeded.ShouldBeTrue();
    }

    [KubectlFact]
    public async Task A_mistake_in_a_manifest_is_refused_with_the_field()
    {
        var file = Path.Combine(platform.Home, "wrong.yaml");
        await File.WriteAllTextAsync(file, """
            apiVersion: framelease.dev/v1alpha1
            kind: VideoTask
            metadata: {name: wrong}
            spec: {engine: ffmpeg-transcode, input: {object: a, uri: "https://example.org/a"}, colour: red}
            """);

        var refused = await Tool.RunAsync("/usr/bin/env", ["kubectl", "--kubeconfig", platform.Kubeconfig, "apply", "-f", file], CancellationToken.None);

        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("colour");
    }

    async Task<string> KubectlAsync(params string[] arguments)
    {
        var ran = await Tool.RunAsync("/usr/bin/env", ["kubectl", "--kubeconfig", platform.Kubeconfig, .. arguments], CancellationToken.None);
        ran.ExitCode.ShouldBe(0, $"kubectl {string.Join(' ', arguments)}: {ran.Error}");
        return ran.Output.Trim();
    }
}

/// <summary>Needs the stock kubectl; skipped, with the reason, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KubectlFactAttribute : FactAttribute
{
    public KubectlFactAttribute()
    {
        if (Tool.Find("kubectl", Environment.GetEnvironmentVariable) is null)
            Skip = "kubectl is not installed (Debian: apt install kubernetes-client)";
    }
}
