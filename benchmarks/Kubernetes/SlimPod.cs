using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Benchmarks.Kubernetes;

/// <summary>
/// What a controller keeps that needs to know where its pods run and how they do: name, namespace, uid, version, node, phase and address.
/// </summary>
[KubernetesEntity("", "v1", "Pod", "pods")]
sealed record SlimPod : IKubernetesObject
{
    [JsonIgnore]
    public string? ApiVersion => null;

    [JsonIgnore]
    public string? Kind => null;

    [JsonConverter(typeof(SlimMetadataConverter))]
    public ObjectMeta Metadata { get; init => field = value ?? new(); } = new();

    public SlimSpec? Spec { get; init; }

    public SlimStatus? Status { get; init; }
}

sealed record SlimSpec(string? NodeName);

sealed record SlimStatus(string? Phase, string? PodIP);

/// <summary>The rival's first look at an event: only its type and its object's kind.</summary>
sealed record AnyEvent(string? Type, PartialObject? Object);

/// <summary>The rival's second look.</summary>
sealed record PodEvent(string? Type, Pod? Object);

[JsonSerializable(typeof(SlimPod))]
[JsonSerializable(typeof(AnyEvent))]
[JsonSerializable(typeof(PodEvent))]
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
sealed partial class PodJson : JsonSerializerContext;

/// <summary>Watch lines as an API server writes them, about 3 KB each, no two objects the same.</summary>
static class PodLines
{
    public static byte[] Make(int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++)
            text.Append(Line(i)).Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    static string Line(int number) => Template
        .Replace("{n}", number.ToString("D8", CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("\n", "", StringComparison.Ordinal);

    const string Template = """
        {"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"worker-{n}-5d8f7c9b6-x2k4q",
        "generateName":"worker-{n}-5d8f7c9b6-","namespace":"video-tenant-a","uid":"6f1c2a34-9d0b-4c1e-8f5a-0000{n}",
        "resourceVersion":"1{n}","generation":1,"creationTimestamp":"2026-11-20T08:15:42Z",
        "labels":{"app.kubernetes.io/name":"worker","app.kubernetes.io/instance":"worker-{n}","pod-template-hash":"5d8f7c9b6","tier":"gpu"},
        "annotations":{"example.com/config-hash":"b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"},
        "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"worker-{n}-5d8f7c9b6",
        "uid":"0a1b2c3d-4e5f-4a6b-8c7d-0000{n}","controller":true,"blockOwnerDeletion":true}]},
        "spec":{"volumes":[{"name":"kube-api-access-7xk2p","projected":{"sources":[
        {"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
        {"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}}],"defaultMode":420}}],
        "containers":[{"name":"worker","image":"registry.example.com/video/worker:v1.4.2","args":["--mode=transcode","--log-level=info"],
        "env":[{"name":"POD_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}},
        {"name":"QUEUE","value":"default"}],
        "resources":{"limits":{"cpu":"4","memory":"8Gi","nvidia.com/gpu":"1"},"requests":{"cpu":"2","memory":"4Gi","nvidia.com/gpu":"1"}},
        "volumeMounts":[{"name":"kube-api-access-7xk2p","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],
        "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],
        "restartPolicy":"Never","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"worker",
        "nodeName":"gpu-node-17","securityContext":{},"schedulerName":"default-scheduler","tolerations":[
        {"key":"node.kubernetes.io/not-ready",
        "operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],"priority":0,"enableServiceLinks":true,
        "preemptionPolicy":"PreemptLowerPriority"},"status":{"phase":"Running","conditions":[{"type":"Initialized","status":"True",
        "lastProbeTime":null,"lastTransitionTime":"2026-11-20T08:15:43Z"},{"type":"Ready","status":"True","lastProbeTime":null,
        "lastTransitionTime":"2026-11-20T08:15:50Z"},{"type":"PodScheduled","status":"True","lastProbeTime":null,
        "lastTransitionTime":"2026-11-20T08:15:42Z"}],"hostIP":"10.0.3.17","podIP":"10.244.7.33","podIPs":[{"ip":"10.244.7.33"}],
        "startTime":"2026-11-20T08:15:43Z","containerStatuses":[{"name":"worker","state":{"running":{"startedAt":"2026-11-20T08:15:49Z"}},
        "lastState":{},"ready":true,"restartCount":0,"image":"registry.example.com/video/worker:v1.4.2",
        "imageID":"registry.example.com/video/worker@sha256:7c5c54f8a2b7e0d4f1a3b6c9d2e5f8a1b4c7d0e3f6a9b2c5d8e1f4a7b0c3d6e9",
        "containerID":"containerd://d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5","started":true}],
        "qosClass":"Burstable"}}}
        """;
}
