// crds/ on a real API server: it takes every definition as it is, fills in defaults, and refuses what is out of bounds.
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources.Tests;

public sealed class CrdOnServerTests : IAsyncLifetime
{
    static readonly ResourceRef Definitions =
        new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", Namespaced: false);

    readonly string _name = $"t{Guid.NewGuid():N}"[..12];
    readonly CancellationTokenSource _stop = new(TimeSpan.FromMinutes(3));
    KubernetesClient _client = null!;

    CancellationToken Ct => _stop.Token;

    public async Task InitializeAsync()
    {
        if (RealServerFactAttribute.KubeConfigPath is not { } path)
            return;
        _client = new(KubeConfig.Load(path), TimeProvider.System, new Random(1));
        foreach (var kind in CustomResources.All)
            await _client.ApplyAsync(CrdGenerator.Generate(kind), Ct);
        foreach (var kind in CustomResources.All)
        {
            var resource = ResourceRef.Of(kind);
            while (!await ServedAsync(resource))
                await Task.Delay(50, Ct);
        }
    }

    public Task DisposeAsync()
    {
        _client?.Dispose();
        _stop.Dispose();
        return Task.CompletedTask;
    }

    [RealServerFact]
    public async Task Every_definition_is_structural()
    {
        foreach (var kind in CustomResources.All)
        {
            var resource = ResourceRef.Of(kind);
            var stored = await _client.GetAsync(Definitions, $"{resource.Plural}.{resource.Group}", null, Ct);
            var bad = stored["status"]!["conditions"]!.AsArray().Where(c => (string?)c!["type"] == "NonStructuralSchema");
            bad.ShouldBeEmpty(kind.Name);
        }
    }

    [RealServerFact]
    public async Task Defaults_are_filled_in_and_a_record_reads_what_the_server_stores()
    {
        var wish = new VideoTask
        {
            Metadata = new() { Name = _name, Namespace = "default" },
            Spec = new() { Engine = "ffmpeg-transcode", Input = new() { Object = "inputs/clip.mp4" } },
        };
        var stored = await _client.CreateAsync(wish, Ct);
        (stored.Spec.Pool, stored.Spec.BackoffLimit).ShouldBe(("default", 3));
        await _client.DeleteAsync<VideoTask>(_name, "default", ct: Ct);
    }

    [RealServerFact]
    public async Task What_is_out_of_bounds_is_refused_by_field()
    {
        await RefusedAsync("""{"engine":"e","input":{"object":"a"},"backoffLimit":21}""", "spec.backoffLimit");
        foreach (var input in (string[])["""{"object":"a","uri":"b"}""", "{}", """{"object":"a","task":"b"}""", """{"uri":"a","task":"b"}""", """{"scene":1}"""])
            await RefusedAsync($$"""{ "engine": "e", "input": {{input}} }""", "exactly one of object, uri and task");
        await RefusedAsync("""{"engine":"e","input":{"object":"a","scene":1}}""", "scene is for task only");
        await RefusedAsync("""{"input":{"object":"a"}}""", "spec.engine");
        await RefusedAsync("""{"engine":"e","input":{"object":"a"},"parameters":{"height":[1]}}""", "spec.parameters.height");
        await RefusedAsync("""{"engine":"e","input":{"object":"a"},"unknown":1}""", "unknown field \"spec.unknown\"");
    }

    [RealServerFact]
    public async Task A_pool_says_of_its_binding_only_what_that_binding_knows()
    {
        async Task RefusedPoolAsync(string spec, string expected) =>
            (await Should.ThrowAsync<KubernetesException>(() => _client.ApplyAsync(Pool(spec), Ct))).Message.ShouldContain(expected);

        await RefusedPoolAsync("""{"resourceName":"nvidia.com/gpu"}""", "resourceName is for binding DevicePlugin");
        await RefusedPoolAsync("""{"binding":"DevicePlugin","slotsPerDevice":2}""", "slotsPerDevice is 1 with binding DevicePlugin");
        await RefusedPoolAsync("""{"binding":"DevicePlugin","resourceName":"gpu"}""", "spec.resourceName");
        await RefusedPoolAsync("""{"binding":"DevicePlugin","resourceName":"Nvidia.com/gpu"}""", "spec.resourceName");
        await RefusedPoolAsync("""{"binding":"Nothing"}""", "spec.binding");
        await RefusedPoolAsync("""{"binding":"DRA","resourceName":"nvidia.com/gpu"}""", "resourceName is for binding DevicePlugin");
        await RefusedPoolAsync("""{"binding":"DRA","slotsPerDevice":2}""", "slotsPerDevice is 1 with binding DRA");
        await RefusedPoolAsync("""{"binding":"DRA","devices":[{"node":"n","id":"GPU-a","index":0}]}""", "devices is not for binding DRA");
        foreach (var field in (string[])[
            """ "driver":"d" """, """ "deviceClassName":"c" """, """ "idAttribute":"i" """, """ "deviceAttributes":{} """])
            await RefusedPoolAsync($$"""{"binding":"DevicePlugin",{{field}}}""", "are for binding DRA");
        await RefusedPoolAsync("""{"driver":"d"}""", "are for binding DRA");
        await RefusedPoolAsync("""{"binding":"DRA","driver":"Gpu"}""", "spec.driver");
        await RefusedPoolAsync("""{"binding":"DRA","deviceClassName":"gpu_class"}""", "spec.deviceClassName");
        await RefusedPoolAsync("""{"binding":"DRA","idAttribute":"uuid\" || true"}""", "spec.idAttribute");
        await RefusedPoolAsync("""{"binding":"DRA","idAttribute":"Domain/uuid"}""", "spec.idAttribute");
        foreach (var dra in (string[])[
            """{"binding":"DRA"}""", """{"binding":"DRA","slotsPerDevice":1,"devices":[],"idAttribute":"npu.example.com/serial_1"}""",
            """{"binding":"DRA","driver":"gpu.nvidia.com","deviceClassName":"mig.nvidia.com","deviceAttributes":{"type":"mig"}}"""])
            await _client.ApplyAsync(Pool(dra), Ct);
        await _client.DeleteAsync<GpuPool>(_name, null, ct: Ct);
        foreach (var resource in (string[])["nvidia.com/gpu", "nvidia.com/gpu.shared", "nvidia.com/mig-1g.10gb"])
            await _client.ApplyAsync(Pool($$"""{"binding":"DevicePlugin","resourceName":"{{resource}}"}"""), Ct);
        await _client.DeleteAsync<GpuPool>(_name, null, ct: Ct);
    }

    JsonObject Pool(string spec)
    {
        var pool = Manifest(spec);
        (pool["kind"], pool["metadata"]) = ("GpuPool", new JsonObject { ["name"] = _name });
        return pool;
    }

    [RealServerFact]
    public async Task A_spec_can_not_be_changed_and_a_status_can()
    {
        var made = await _client.ApplyAsync(Manifest("""{"engine":"e","input":{"object":"a"}}"""), Ct);
        var tasks = made.Resource;
        var error = await Should.ThrowAsync<KubernetesException>(() =>
            _client.PatchAsync(tasks, _name, "default", Patch.Merge(new { spec = new { engine = "other" } }), ct: Ct));
        error.Message.ShouldContain("spec is immutable");
        foreach (var field in (string[])["backoffLimit", "priorityBoost", "activeDeadlineSeconds"])
            await RefusedPatchAsync(tasks, $$"""{ "spec": { "{{field}}": 7 } }""", "spec is immutable");
        foreach (var field in (string[])["scenes", "input", "parameters", "tenant", "pool", "resources", "timeouts"])
        {
            var value = field switch
            {
                "scenes" => "[{}]",
                "input" => """{"object":"b"}""",
                "parameters" => """{"a":1}""",
                "resources" => """{"vramMiB":1}""",
                "timeouts" => """{"hardSeconds":9}""",
                _ => "\"x\"",
            };
            await RefusedPatchAsync(tasks, $$"""{ "spec": { "{{field}}": {{value}} } }""", "spec is immutable");
        }

        foreach (var spec in (string[])["""{"suspend":true}""", """{"suspend":false,"ttlSecondsAfterFinished":5}""", """{"cancel":true}"""])
            await _client.PatchAsync(tasks, _name, "default", Patch.Merge(JsonNode.Parse($$"""{ "spec": {{spec}} }""")!), ct: Ct);
        await RefusedPatchAsync(tasks, """{"spec":{"cancel":false}}""", "cancel cannot be taken back");
        var patched = await _client.PatchAsync(tasks, _name, "default", Patch.Merge(new { status = new { phase = "Running" } }), "status", Ct);
        ((string?)patched["status"]!["phase"]).ShouldBe("Running");
        await _client.DeleteAsync<VideoTask>(_name, "default", ct: Ct);
    }

    [RealServerFact]
    public async Task An_input_is_the_tasks_or_each_scenes()
    {
        await RefusedAsync("""{"engine":"e"}""", "input must be set");
        await RefusedAsync("""{"engine":"e","scenes":[{"input":{"object":"a"}},{"prompt":"a cat"}]}""", "input must be set");
        await RefusedAsync("""{"engine":"e","scenes":[]}""", "spec.scenes");
        await RefusedAsync($$"""{"engine":"e","input":{"object":"a"},"scenes":[{{string.Join(',', Enumerable.Repeat("{}", 51))}}]}""", "spec.scenes");
        await RefusedAsync("""{"engine":"e","scenes":[{"input":{"object":"a","uri":"http://h/a"}}]}""", "exactly one of object, uri and task");
        await _client.ApplyAsync(Manifest("""{"engine":"e","scenes":[{"input":{"object":"a"}},{"input":{"uri":"http://h/a"},"parameters":{"n":1}}]}"""), Ct);
        await _client.DeleteAsync<VideoTask>(_name, "default", ct: Ct);
    }

    async Task RefusedPatchAsync(ResourceRef tasks, string patch, string expected) =>
        (await Should.ThrowAsync<KubernetesException>(
            () => _client.PatchAsync(tasks, _name, "default", Patch.Merge(JsonNode.Parse(patch)!), ct: Ct), patch)).Message.ShouldContain(expected);

    async Task RefusedAsync(string spec, string expected) =>
        (await Should.ThrowAsync<KubernetesException>(() => _client.ApplyAsync(Manifest(spec), Ct))).Message.ShouldContain(expected);

    async Task<bool> ServedAsync(ResourceRef resource)
    {
        try
        {
            await _client.ListAsync(resource, null, null, Ct);
            return true;
        }
        catch (KubernetesException error) when (error.IsNotFound)
        {
            return false;
        }
    }

    JsonObject Manifest(string spec) => new()
    {
        ["apiVersion"] = "framelease.dev/v1alpha1",
        ["kind"] = "VideoTask",
        ["metadata"] = new JsonObject { ["name"] = _name, ["namespace"] = "default" },
        ["spec"] = JsonNode.Parse(spec),
    };
}
