using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json.Nodes;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Hosting;
using Framelease.Operator.Tasks;
using Framelease.Operator.Tests.Support;
using Framelease.Resources;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.Tests.WorkerApi;

/// <summary>
/// A task on a device that is claimed (binding DRA), on the whole operator. The kinds of resource.k8s.io are definitions without a schema,
/// and the test is what a cluster has for them: driver, scheduler, kubelet and claim controller.
/// </summary>
[Collection(PostgresServer.Collection)]
public sealed class DraTests(PostgresServer server) : IAsyncLifetime
{
    const string Driver = "gpu.nvidia.com", Node = "node-1";

    OperatorUnderTest _platform = null!;

    public async Task InitializeAsync()
    {
        _platform = await OperatorUnderTest.StartAsync(server);
        await _platform.Client.CreateAsync(new Tenant { Metadata = new() { Name = "all" }, Spec = new() { Namespaces = ["default"] } });
        await _platform.Client.CreateAsync(new Node { Metadata = new ObjectMeta { Name = Node } });
        await _platform.Client.CreateAsync(new ServiceAccount { Metadata = new() { Name = "framelease-worker", Namespace = "default" } });
    }

    public async Task DisposeAsync() => await _platform.DisposeAsync();

    [Fact]
    public async Task A_pool_says_what_its_cluster_lacks_and_goes_on_once_it_is_there()
    {
        await PoolAsync();
        var message = (await PoolAsync("DraNotServed")).Status!.Conditions!.Single(c => c.Type == "Ready").Message;
        message.ShouldContain("resource.k8s.io/v1");
        message.ShouldContain("use binding DevicePlugin or Static");
        await ServeAsync();
        await TouchAsync();
        await PoolAsync("DeviceClassNotFound");
        await _platform.Client.CreateAsync(new DeviceClass { Metadata = new() { Name = Driver } });
        await TouchAsync();
        await PoolAsync("NoDevices");
        // From here on nobody but the watches wakes it.
        await PublishAsync("GPU-a", "GPU-b");
        (await PoolAsync("Ready")).Status!.Devices!.Select(d => (d.Device, d.Name, d.State)).ShouldBe(
            [("GPU-a", "NVIDIA L4", "Free"), ("GPU-b", "NVIDIA L4", "Free")]);

        var claim = await _platform.Client.CreateAsync(new ResourceClaim
        {
            Metadata = new() { Name = "theirs", Namespace = "default" }, Spec = new() { Devices = new() { Requests = [] } },
        });
        await AllocateAsync(claim, "gpu-1");
        (await DeviceAsync("GPU-b", d => d.OutOfService is not null)).ShouldSatisfyAllConditions(
            d => d.OutOfService.ShouldBe("Taken"), d => d.Reason.ShouldBe("ResourceClaim default/theirs"));
        await _platform.Client.DeleteAsync<ResourceClaim>("theirs", "default");
        await DeviceAsync("GPU-b", d => d.OutOfService is null);
    }

    [Fact]
    public async Task A_pod_claims_the_device_of_its_grant_and_the_slot_is_free_when_the_pod_has_ended()
    {
        await ReadyAsync("GPU-a");
        await TaskAsync("clip");
        var pod = await PodAsync(attempt: 1);
        var name = pod.Metadata.Name!;
        pod.Spec!.NodeName.ShouldBeNull();
        pod.Spec.ResourceClaims.ShouldBe([new PodResourceClaim("device", name)]);
        var claim = await _platform.Client.GetAsync<ResourceClaim>(name, "default");
        claim.Spec.Devices.Requests!.Single().Exactly!.Selectors!.Single().Cel!.Expression!.ShouldEndWith("[\"uuid\"] == \"GPU-a\"");
        var lease = await _platform.Client.GetAsync<GpuLease>(name, "default");
        claim.Metadata.OwnerReferences!.Single().Uid.ShouldBe(lease.Metadata.Uid);

        // A driver that gives another card than was asked for: the attempt is returned, and its device is looked at by a person or later.
        await ScheduleAsync(pod, claim);
        (await AttachAsync(pod, "GPU-b")).ShouldBe((HttpStatusCode.Conflict, "DeviceConflict"));
        (await DeviceAsync("GPU-a", d => d.Health == "Degraded")).HealthReason!.ShouldContain("its worker sees GPU-b");
        (await LeaseAsync(name, l => l.Status?.State == "Quarantined")).Status!.Reason.ShouldBe("Revoked");
        await EndAsync(pod);
        await DeviceAsync("GPU-a", d => d.State == "Free");
        await GoneAsync<ResourceClaim>(name);

        var back = JsonContent.Create(new { node = Node, device = "GPU-a", reason = "changed" });
        (await _platform.Api.PostAsync("/api/v1/devices/return", back)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var second = await PodAsync(attempt: 2);
        await ScheduleAsync(second, await _platform.Client.GetAsync<ResourceClaim>(second.Metadata.Name!, "default"));
        (await AttachAsync(second, "GPU-a")).ShouldBe((HttpStatusCode.OK, null));
        var attached = await LeaseAsync(second.Metadata.Name!, l => l.Status?.DeviceUuid is not null);
        (attached.Status!.DeviceUuid, attached.Status.Node, attached.Status.Device).ShouldBe(("GPU-a", Node, "GPU-a"));
        // Somebody ends the task: the slot waits for the kubelet's word.
        await _platform.Client.DeleteAsync<VideoTask>("clip", "default");
        await DeviceAsync("GPU-a", d => d.State == "Quarantined");
        await EndAsync(second);
        await DeviceAsync("GPU-a", d => d.State == "Free");
        await GoneAsync<ResourceClaim>(second.Metadata.Name!);
        await GoneAsync<VideoTask>("clip");
    }

    [Fact]
    public async Task A_pod_that_no_scheduler_ever_placed_leaves_its_slot_when_it_is_deleted()
    {
        await ReadyAsync("GPU-a");
        await TaskAsync("waits");
        var pod = await PodAsync(attempt: 1);
        await _platform.Client.DeleteAsync<VideoTask>("waits", "default");
        await DeviceAsync("GPU-a", d => d.State == "Free");
        await GoneAsync<Pod>(pod.Metadata.Name!);
        await GoneAsync<ResourceClaim>(pod.Metadata.Name!);
    }

    [Fact]
    public async Task An_operator_that_dies_between_any_two_calls_leaves_what_the_next_one_takes_on()
    {
        await ServeAsync();
        // Nobody's engine and pool: the running operator leaves both alone.
        var task = await _platform.Client.CreateAsync(new VideoTask
        {
            Metadata = new() { Name = "clip", Namespace = "default" },
            Spec = new VideoTaskSpec { Engine = "none", Input = new VideoInput { Uri = "https://example.org/clip.mp4" } },
        });
        var lease = await _platform.Client.CreateAsync(new GpuLease
        {
            Metadata = new() { Name = AttemptName.Of("clip", task.Metadata.Uid!, 0, 1), Namespace = "default" },
            Spec = new() { Pool = "none" },
        });
        var engine = new Engine { Metadata = new() { Name = "e" }, Spec = new EngineSpec { Image = "worker:1" } };
        var terms = Given.Terms with { Dra = new DraTerms(Driver, Driver, "uuid") };
        var grant = new LeaseGranted(new SlotKey("cluster", Node, "GPU-a", 0), "L4", "Gpu", 0, 7, terms);
        var state = Given.Task(
            [(TaskAccepted)Given.Accepted()[0] with { TaskUid = task.Metadata.Uid! }, .. Given.Accepted().Skip(1)]);
        Task<Pod?> EnsureAsync(IKubernetesClient client, LeaseGranted granted) => new AttemptObjects(
                client, new OperatorOptions { Postgres = "", ObjectRoot = "", Identity = "test" })
            .EnsurePodAsync(task, state, state.Scenes[0], engine, lease.Metadata.Uid, granted, default);

        for (var calls = 0; calls < 2; calls++)
        {
            await Should.ThrowAsync<OperationCanceledException>(() => EnsureAsync(DyingClient.Of(_platform.Client, calls), grant));
            (await _platform.Client.ListAsync<ResourceClaim>("default")).Items.Count.ShouldBe(calls);
            (await _platform.Client.ListAsync<Pod>("default")).Items.ShouldBeEmpty();
        }

        var pod = (await EnsureAsync(_platform.Client, grant))!;
        (await EnsureAsync(_platform.Client, grant))!.Metadata.Uid.ShouldBe(pod.Metadata.Uid);
        var claim = (await _platform.Client.ListAsync<ResourceClaim>("default")).Items.ShouldHaveSingleItem();
        pod.Spec!.ResourceClaims!.Single().ResourceClaimName.ShouldBe(claim.Metadata.Name);
        var other = grant with { Slot = grant.Slot with { Device = "GPU-b" } };
        (await EnsureAsync(_platform.Client, other)).ShouldBeNull("a claim of an earlier grant, of a history that was lost, goes first");
        (await _platform.Client.ListAsync<ResourceClaim>("default")).Items.ShouldBeEmpty();
        var foreign = claim with { Metadata = new ObjectMeta { Name = claim.Metadata.Name, Namespace = "default" } };
        await _platform.Client.CreateAsync(foreign);
        (await Should.ThrowAsync<NameTakenException>(() => EnsureAsync(_platform.Client, other))).Message
            .ShouldContain("is not that of this lease's device");
    }

    // As a cluster of Kubernetes 1.34 has them, without their schemas.
    async Task ServeAsync()
    {
        foreach (var (kind, plural, scope) in new[]
        {
            ("ResourceSlice", "resourceslices", "Cluster"), ("ResourceClaim", "resourceclaims", "Namespaced"),
            ("DeviceClass", "deviceclasses", "Cluster"),
        })
        {
            var definition = JsonNode.Parse($$$"""
                {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
                 "metadata":{"name":"{{{plural}}}.resource.k8s.io",
                  "annotations":{"api-approved.kubernetes.io":"https://github.com/kubernetes/kubernetes"}},
                 "spec":{"group":"resource.k8s.io","scope":"{{{scope}}}","names":{"kind":"{{{kind}}}","plural":"{{{plural}}}"},"versions":[
                  {"name":"v1","served":true,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":
                   {"type":"object","x-kubernetes-preserve-unknown-fields":true } } }]}}
                """)!.AsObject();
            await _platform.Client.ApplyAsync(definition);
        }

        await OperatorUnderTest.UntilAsync(
            async () =>
            {
                try
                {
                    await _platform.Client.ListAsync<ResourceSlice>();
                    await _platform.Client.ListAsync<ResourceClaim>("default");
                    await _platform.Client.ListAsync<DeviceClass>();
                    return true;
                }
                catch (KubernetesException e) when (e.IsNotFound)
                {
                    return false;
                }
            },
            served => served);
    }

    async Task ReadyAsync(params string[] uuids)
    {
        await ServeAsync();
        await _platform.Client.CreateAsync(new DeviceClass { Metadata = new() { Name = Driver } });
        await PublishAsync(uuids);
        await PoolAsync();
        await PoolAsync("Ready");
    }

    // The driver.
    Task PublishAsync(params string[] uuids) => _platform.Client.CreateAsync(new ResourceSlice
    {
        Metadata = new() { Name = $"{Node}-gpu" },
        Spec = new()
        {
            Driver = Driver,
            NodeName = Node,
            Pool = new() { Name = Node, Generation = 1, ResourceSliceCount = 1 },
            Devices =
            [
                .. uuids.Select((uuid, n) => new SliceDevice
                {
                    Name = $"gpu-{n}",
                    Attributes = new Dictionary<string, DeviceAttribute>
                    {
                        ["uuid"] = new() { String = uuid }, ["type"] = new() { String = "gpu" },
                        ["productName"] = new() { String = "NVIDIA L4" },
                    },
                }),
            ],
        },
    });

    // The scheduler: allocates, reserves, binds. Only where the pod may go.
    async Task ScheduleAsync(Pod pod, ResourceClaim claim)
    {
        await AllocateAsync(claim, "gpu-0", pod);
        Operator.Pods.WorkerPod.NodeOf(pod).ShouldBe(Node);
        await _platform.Client.PatchAsync<Pod>(pod.Metadata.Name!, "default", Patch.Merge(new { spec = new { nodeName = Node } }));
    }

    Task AllocateAsync(ResourceClaim claim, string device, Pod? pod = null) => _platform.Client.PatchAsync<ResourceClaim>(
        claim.Metadata.Name!, "default",
        Patch.Merge(new
        {
            status = new ResourceClaimStatus
            {
                Allocation = new()
                {
                    Devices = new() { Results = [new() { Request = "device", Driver = Driver, Pool = Node, Device = device }] },
                },
                ReservedFor = pod is null ? [] : [new("pods", pod.Metadata.Name!, pod.Metadata.Uid!)],
            },
        }),
        "status");

    // The kubelet.
    Task EndAsync(Pod pod) => _platform.Client.PatchAsync<Pod>(
        pod.Metadata.Name!, "default",
        Patch.Merge(new
        {
            status = new PodStatus
            {
                Phase = "Failed",
                ContainerStatuses = [new() { Name = "worker", State = new() { Terminated = new() { ExitCode = 1, Reason = "Error" } } }],
            },
        }),
        "status");

    async Task<(HttpStatusCode, string?)> AttachAsync(Pod pod, string uuid)
    {
        var token = (await _platform.Client.CreateTokenAsync(
            pod.Spec!.ServiceAccountName!, "default", [ApiGroup.WorkerAudience], boundPod: (pod.Metadata.Name!, pod.Metadata.Uid!))).Token!;
        var body = new AttachRequest("0.1.0", pod.Metadata.Name!, "default", pod.Metadata.Uid!, Node, [uuid], Protocol: "1.2");
        // The start of the attempt may not be on record yet: workers try again.
        var (status, text) = await OperatorUnderTest.UntilAsync(
            async () =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/worker/v1/attach")
                {
                    Content = JsonContent.Create(body, ProtocolJson.Default.AttachRequest),
                };
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
                using var answer = await _platform.Api.SendAsync(request);
                return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
            },
            a => (int)a.StatusCode != 425);
        return (status, (string?)JsonNode.Parse(text)!["reason"]);
    }

    async Task TaskAsync(string name)
    {
        await _platform.Client.CreateAsync(new Engine
        {
            Metadata = new() { Name = "sim" },
            Spec = new EngineSpec { Image = "worker:1", Driver = EngineDriver.FfmpegTranscode, Device = EngineDevice.Gpu },
        });
        await _platform.Client.CreateAsync(new VideoTask
        {
            Metadata = new() { Name = name, Namespace = "default" },
            Spec = new VideoTaskSpec { Engine = "sim", Input = new VideoInput { Uri = "https://example.org/clip.mp4" } },
        });
    }

    async Task<Pod> PodAsync(int attempt) => (await OperatorUnderTest.UntilAsync(
        async () => (await _platform.Client.ListAsync<Pod>("default")).Items
            .FirstOrDefault(p => p.Metadata.Labels?[ApiGroup.AttemptLabel] == $"{attempt}"),
        pod => pod is not null))!;

    Task PoolAsync() => _platform.Client.CreateAsync(
        new GpuPool { Metadata = new() { Name = "default" }, Spec = new() { Binding = PoolBinding.DRA, ProbationSeconds = 86400 } });

    Task<GpuPool> PoolAsync(string reason) => OperatorUnderTest.UntilAsync(
        () => _platform.Client.GetAsync<GpuPool>("default"),
        p => p.Status?.Conditions?.FirstOrDefault(c => c.Type == "Ready")?.Reason == reason);

    // A person who does not wait for the next look.
    async Task TouchAsync()
    {
        var pool = await _platform.Client.GetAsync<GpuPool>("default");
        var seconds = (pool.Spec.ProbationSeconds ?? 0) - 1;
        await _platform.Client.PatchAsync<GpuPool>("default", null, Patch.Merge(new { spec = new { probationSeconds = seconds } }));
    }

    async Task<SlotStatus> DeviceAsync(string device, Func<SlotStatus, bool> isMet) => (await OperatorUnderTest.UntilAsync(
        async () => (await _platform.Client.GetAsync<GpuPool>("default")).Status?.Devices?.FirstOrDefault(d => d.Device == device),
        d => d is not null && isMet(d)))!;

    Task<GpuLease> LeaseAsync(string name, Func<GpuLease, bool> isMet) =>
        OperatorUnderTest.UntilAsync(() => _platform.Client.GetAsync<GpuLease>(name, "default"), isMet);

    Task GoneAsync<T>(string name)
        where T : class =>
        OperatorUnderTest.UntilAsync(() => _platform.Client.FindAsync<T>(name, "default", default), found => found is null);
}

/// <summary>A client whose process dies after some of its writes.</summary>
public class DyingClient : DispatchProxy
{
    IKubernetesClient? _inner;
    int _left;

    internal static IKubernetesClient Of(IKubernetesClient inner, int writes)
    {
        var proxy = Create<IKubernetesClient, DyingClient>();
        ((DyingClient)(object)proxy)._inner = inner;
        ((DyingClient)(object)proxy)._left = writes;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == nameof(IKubernetesClient.CreateAsync) && _left-- <= 0)
            throw new OperationCanceledException("the operator died");
        return targetMethod.Invoke(_inner, args);
    }
}
