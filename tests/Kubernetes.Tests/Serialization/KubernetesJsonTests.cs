using System.Text.Json;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Tests.Serialization;

public sealed class KubernetesJsonTests
{
    [Fact]
    public void Fields_that_are_absent_keep_their_defaults()
    {
        var pod = Read<Pod>("{}");
        pod.Metadata.ShouldNotBeNull();
        Read<PodCondition>("{}").Type.ShouldBe("");
    }

    static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, KubernetesJson.Default)!;
}
