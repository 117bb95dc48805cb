using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Tests.Serialization;

public sealed class KubernetesJsonTests
{
    [Fact]
    public void Fields_that_are_absent_keep_their_defaults()
    {
        Read<Pod>("{}").Metadata.ShouldNotBeNull();
        Read<PodCondition>("{}").Type.ShouldBe("");
        Read<Container>("""{"ports":[{"containerPort":80}]}""").Ports![0].Port.ShouldBe(80);
    }

    [Fact]
    public void Nulls_unknown_fields_and_odd_names_are_taken_as_the_server_writes_them()
    {
        var pod = Read<Pod>("""
            {"metadata":{"name":"p","creationTimestamp":null,"managedFields":[{}]},"spec":{"hostPID":true,"containers":null},
             "status":{"podIP":"10.0.0.1","hostIP":"10.0.0.2","containerStatuses":[{"imageID":"x","state":{"terminated":{"exitCode":137,"containerID":"c"}}}]}}
            """);
        pod.Metadata.CreationTimestamp.ShouldBeNull();
        pod.Spec!.HostPID.ShouldBe(true);
        pod.Status!.PodIP.ShouldBe("10.0.0.1");
        pod.Status.ContainerStatuses![0].State!.Terminated!.ExitCode.ShouldBe(137);
        Read<Node>("""{"status":{"nodeInfo":{"bootID":"b","systemUUID":"s"},"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}}""")
            .Status!.ShouldSatisfyAllConditions(s => s.NodeInfo!.BootID.ShouldBe("b"), s => s.DaemonEndpoints!.KubeletEndpoint!.Port.ShouldBe(10250));
    }

    [Theory]
    [InlineData("2030-01-02T03:04:05Z", "2030-01-02T03:04:05Z")]
    [InlineData("2030-01-02T03:04:05.123456789Z", "2030-01-02T03:04:05.123456Z")]
    [InlineData("2030-01-02T05:04:05+02:00", "2030-01-02T03:04:05Z")]
    public void Times_are_read_in_any_zone_and_written_in_UTC(string from, string to) =>
        Write(new ContainerStateRunning { StartedAt = Read<ContainerStateRunning>($$"""{"startedAt":"{{from}}"}""").StartedAt }).ShouldBe($$"""{"startedAt":"{{to}}"}""");

    [Fact]
    public void Micro_times_have_six_digits_always() =>
        Write(new LeaseSpec { RenewTime = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero) }).ShouldBe("""{"renewTime":"2030-01-02T03:04:05.000000Z"}""");

    [Fact]
    public void Enums_are_their_names_and_numbers_are_refused()
    {
        Write(new Tinted(Tint.DarkBlue)).ShouldBe("""{"tint":"DarkBlue"}""");
        Should.Throw<JsonException>(() => Read<Tinted>("""{"tint":1}"""));
    }

    [Fact]
    public void Secret_data_is_base64_on_the_wire() =>
        Write(new Secret { Data = new Dictionary<string, byte[]> { ["k"] = "v"u8.ToArray() } }).ShouldContain("\"data\":{\"k\":\"dg==\"}");

    [Theory]
    [InlineData("500m", "0.5")]
    [InlineData("2", "2")]
    [InlineData("2Gi", "2147483648")]
    [InlineData("1e3", "1000")]
    [InlineData("1.5k", "1500")]
    [InlineData("-1Ki", "-1024")]
    public void Quantities_are_exact(string text, string value) => Quantity.Parse(text).ShouldBe(decimal.Parse(value));

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1x")]
    [InlineData("Gi")]
    [InlineData("9999999999999999Ei")]
    public void What_is_no_quantity_is_refused(string text) => Quantity.TryParse(text, out _).ShouldBeFalse();

    static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, KubernetesJson.Default)!;

    static string Write<T>(T value) => JsonSerializer.Serialize(value, KubernetesJson.Default);

    sealed record Tinted(Tint Tint);

    enum Tint
    {
        Red,
        DarkBlue,
    }
}

public sealed class YamlTests
{
    [Fact]
    public void Scalars_mean_what_they_mean_to_kubectl()
    {
        var node = Yaml.ParseObject("a: 1\nb: '1'\nc: true\nd: ~\ne: 1.5\nf: yes\ng: 0x10\nh: 2030-01-01\ni: |\n  two\n  lines\nj: -3\nk: 1_000\n");
        node.ToJsonString().ShouldBe(
            """{"a":1,"b":"1","c":true,"d":null,"e":1.5,"f":"yes","g":"0x10","h":"2030-01-01","i":"two\nlines\n","j":-3,"k":"1_000"}""");
    }

    [Fact]
    public void Documents_are_separated_and_empty_ones_left_out() =>
        Yaml.ParseAll("---\na: 1\n---\n---\nb: 2\n").Select(d => d.ToJsonString()).ShouldBe(["""{"a":1}""", """{"b":2}"""]);

    [Fact]
    public void What_is_written_is_read_back_as_it_was()
    {
        var node = JsonNode.Parse("""
            {"text":["plain","with: colon","yes","No","1","1.0","null","","- dash","a #b","#b","ünicode","two\nlines","trailing ","'q'","{x}","*a","&a","@a","1:2","~","true","http://x:1/y","^a$","a:"],
             "numbers":[0,-1,1.5],"flags":[true,false,null],"empty":[{},[]],"deep":{"list":[{"a":1,"b":[1,2]},[[1],[2]]]},"key: odd":1}
            """)!;
        var text = Yaml.Write(node);
        JsonNode.DeepEquals(Yaml.ParseObject(text), node).ShouldBeTrue(text);
    }

    [Fact]
    public void A_file_that_blows_up_by_aliases_is_refused()
    {
        var bomb = new System.Text.StringBuilder("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (var i = 1; i < 9; i++)
            bomb.Append($"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        Should.Throw<FormatException>(() => Yaml.ParseAll(bomb.ToString())).Message.ShouldContain("nodes");
    }

    [Fact]
    public void Broken_text_is_told_with_its_line()
    {
        Should.Throw<FormatException>(() => Yaml.ParseAll("a: 1\nb: \"open")).Message.ShouldContain("line");
        Should.Throw<FormatException>(() => Yaml.ParseAll("a: [1\nb: 2")).Message.ShouldContain("not valid YAML");
    }
}
