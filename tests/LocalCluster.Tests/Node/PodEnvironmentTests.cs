// What a container finds: variables, volumes under their mount paths, tokens; and what it asks for in vain.
using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Tests.Shim;
using static Framelease.LocalCluster.Tests.Node.NodeHarness;

namespace Framelease.LocalCluster.Tests.Node;

public sealed class PodEnvironmentTests : IAsyncDisposable
{
    readonly NodeHarness _node = new NodeHarness().Start();

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task Variables_come_from_values_fields_maps_and_secrets_and_nothing_leaks_from_the_node()
    {
        await _node.Api.CreateAsync(new ConfigMap { Metadata = new() { Name = "map" }, Data = new Dictionary<string, string> { ["key"] = "from map" } });
        await _node.Api.CreateAsync(new Secret { Metadata = new() { Name = "secret" }, Data = new Dictionary<string, byte[]> { ["key"] = "hidden"u8.ToArray() } });
        Environment.SetEnvironmentVariable("NODE_ONLY", "leak");
        EnvVar[] variables =
        [
            new() { Name = "PLAIN", Value = "one" },
            new() { Name = "USED", Value = "$(PLAIN) and $(NOPE) and $$(PLAIN)" },
            new() { Name = "POD", ValueFrom = new() { FieldRef = new("metadata.name") } },
            new() { Name = "UID_OF", ValueFrom = new() { FieldRef = new("metadata.uid") } },
            new() { Name = "NODE", ValueFrom = new() { FieldRef = new("spec.nodeName") } },
            new() { Name = "IP", ValueFrom = new() { FieldRef = new("status.podIP") } },
            new() { Name = "MAP", ValueFrom = new() { ConfigMapKeyRef = new("key", "map") } },
            new() { Name = "SECRET", ValueFrom = new() { SecretKeyRef = new("key", "secret") } },
            new() { Name = "ABSENT", ValueFrom = new() { SecretKeyRef = new("other", "secret", Optional: true) } },
        ];

        var pod = await Run("env", "env | sort; echo $(PLAIN)", variables);

        var lines = _node.Log(pod).Split('\n');
        foreach (var line in new[]
        {
            "PLAIN=one", "USED=one and $(NOPE) and $(PLAIN)", "POD=env", $"UID_OF={pod.Metadata.Uid}", "NODE=local", "IP=127.0.0.1", "MAP=from map",
            "SECRET=hidden", "one", $"HOME={_node.Paths.Home(pod.Metadata.Uid!)}",
        })
            lines.ShouldContain(line);
        lines.ShouldNotContain(line => line.StartsWith("ABSENT") || line.StartsWith("NODE_ONLY") || line.StartsWith("DOTNET_"));
    }

    [Fact]
    public async Task Mount_paths_in_variables_arguments_and_working_directory_lead_to_the_volume()
    {
        var pod = await Run("mounts", "pwd; echo $FILE; echo data > $FILE; cat /not/a/mount 2>/dev/null; ls", [new() { Name = "FILE", Value = "/scratch/deep/../file" }],
            spec => spec with { Volumes = [new Volume { Name = "scratch", EmptyDir = new() }] },
            container => container with { WorkingDir = "/scratch", VolumeMounts = [new() { Name = "scratch", MountPath = "/scratch/" }] });

        var volume = _node.Paths.Volume(pod.Metadata.Uid!, "scratch");
        _node.Log(pod).ShouldStartWith($"{volume}\n{volume}/deep/../file\n");
    }

    [Fact]
    public async Task ConfigMaps_and_Secrets_are_files_that_only_the_owner_reads()
    {
        await _node.Api.CreateAsync(new ConfigMap { Metadata = new() { Name = "map" }, Data = new Dictionary<string, string> { ["a.txt"] = "A", ["b.txt"] = "B" } });
        var pod = await Run("files", "ls $DIR; stat -c %a $DIR/x/a", [new() { Name = "DIR", Value = "/etc/map" }],
            spec => spec with { Volumes = [new Volume { Name = "map", ConfigMap = new() { Name = "map", Items = [new("a.txt", "x/a")] } }] },
            container => container with { VolumeMounts = [new() { Name = "map", MountPath = "/etc/map" }] });

        _node.Log(pod).ShouldBe("x\n600\n");
    }

    [Fact]
    public async Task A_token_is_bound_to_the_pod_private_and_renewed_before_it_expires()
    {
        _node.Api.TokenLifetime = TimeSpan.FromSeconds(2);
        await _node.CreateAsync("token", "stat -c %a $T; until ! grep -q token-1- $T; do sleep 0.05; done; cat $T", spec => spec with
        {
            ServiceAccountName = "worker",
            Volumes = [new Volume { Name = "t", Projected = new() { Sources = [new() { ServiceAccountToken = new("token", "framelease", 600) }] } }],
            Containers =
            [
                spec.Containers![0] with
                {
                    Env = [new() { Name = "T", Value = "/var/run/t/token" }], VolumeMounts = [new() { Name = "t", MountPath = "/var/run/t" }],
                },
            ],
        });

        var pod = await _node.PhaseAsync("token", "Succeeded");

        _node.Log(pod).ShouldMatch($"^600\ntoken-[2-9]-worker-framelease-{pod.Metadata.Uid}$");
    }

    [Theory]
    [InlineData("missing-map", "does not exist")]
    [InlineData("host", "--allow")]
    [InlineData("claim", "does not offer")]
    public async Task What_is_missing_or_not_allowed_is_said_on_the_container(string volume, string message)
    {
        await _node.CreateAsync("wants", "exit 0", spec => spec with
        {
            Volumes =
            [
                volume switch
                {
                    "missing-map" => new Volume { Name = "v", ConfigMap = new() { Name = "nowhere" } },
                    "host" => new Volume { Name = "v", HostPath = new("/etc") },
                    _ => new Volume { Name = "v", PersistentVolumeClaim = new("claim") },
                },
            ],
        });

        var waiting = State(await _node.UntilAsync("wants", pod => pod.Status?.ContainerStatuses is not null)).Waiting.ShouldNotBeNull();
        waiting.Reason.ShouldBe("CreateContainerConfigError");
        waiting.Message.ShouldNotBeNull().ShouldContain(message);
    }

    async Task<Pod> Run(
        string name, string script, IReadOnlyList<EnvVar> variables, Func<PodSpec, PodSpec>? pod = null, Func<Container, Container>? container = null)
    {
        await _node.CreateAsync(name, script, spec =>
        {
            spec = spec with { Containers = [(container ?? (c => c))(spec.Containers![0] with { Env = variables })] };
            return (pod ?? (s => s))(spec);
        });
        return await _node.PhaseAsync(name, "Succeeded");
    }
}
