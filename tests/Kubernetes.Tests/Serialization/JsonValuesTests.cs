using System.Text;
using System.Text.Json;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Tests.Serialization;

public sealed class JsonValuesTests
{
    [Fact]
    public void A_value_is_read_and_the_reader_stands_at_its_end()
    {
        var reader = Of("""[{"metadata":{"name":"a"}},null,5]""");
        Read(ref reader)!.Metadata.Name.ShouldBe("a");
        reader.Read();
        Read(ref reader).ShouldBeNull();
        reader.Read();
        reader.GetInt32().ShouldBe(5);
    }

    [Theory]
    [InlineData("""[{"metadata":{"name":5}}]""", "$.metadata.name")]
    [InlineData("""[{"data":{"k":[]}}]""", "$.data.k")]
    public void What_is_wrong_is_told_with_its_path(string json, string path)
    {
        var error = Should.Throw<JsonException>(() =>
        {
            var reader = Of(json);
            Read(ref reader);
        });
        error.Message.ShouldContain(path);
    }

    [Fact]
    public void A_dynamic_object_is_read_as_any_other()
    {
        var reader = Of("""[{"a":{"b":[1]}}]""");
        JsonValues.Read(ref reader, KubernetesJson.Default.Info<System.Text.Json.Nodes.JsonObject>())!.ToJsonString().ShouldBe("""{"a":{"b":[1]}}""");
        reader.Read();
        reader.TokenType.ShouldBe(JsonTokenType.EndArray);
    }

    static Utf8JsonReader Of(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        reader.Read();
        return reader;
    }

    static ConfigMap? Read(ref Utf8JsonReader reader) => JsonValues.Read(ref reader, KubernetesJson.Default.Info<ConfigMap>());
}
