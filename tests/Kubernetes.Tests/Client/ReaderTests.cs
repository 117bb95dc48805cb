// Bytes to lists and events.
using System.Text;
using System.Text.Json;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class ReaderTests
{
    [Theory]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}}""", WatchEventType.Added)]
    [InlineData("""{"object":{"metadata":{"name":"a","resourceVersion":"5"}},"type":"MODIFIED"}""", WatchEventType.Modified)]
    [InlineData("""{"extra":[1,{"b":2}],"type":"DELETED","object":{"metadata":{"resourceVersion":"5","name":"a"}}}""", WatchEventType.Deleted)]
    public void An_event_is_read_whatever_the_order_of_its_fields(string line, WatchEventType type)
    {
        var e = Read(line);
        e.Type.ShouldBe(type);
        e.Object!.Metadata.Name.ShouldBe("a");
        e.ResourceVersion.ShouldBe("5");
    }

    [Fact]
    public void A_bookmark_has_a_version_and_no_object()
    {
        var e = Read("""{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"77","creationTimestamp":null}}}""");
        e.ShouldBe(new WatchEvent<ConfigMap>(WatchEventType.Bookmark, null, "77"));
    }

    [Fact]
    public void An_error_event_is_thrown_with_its_status()
    {
        var error = Should.Throw<KubernetesException>(() =>
            Read("""{"type":"ERROR","object":{"kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"too old"}}"""));
        error.IsGone.ShouldBeTrue();
        error.Message.ShouldContain("too old");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("nonsense")]
    [InlineData("""{"type":"ADDED"}""")]
    [InlineData("""{"type":"ADDED","object":null}""")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"a"}}}""")]
    [InlineData("""{"type":"OTHER","object":{}}""")]
    [InlineData("""{"type":"BOOKMARK","object":{}}""")]
    public void Anything_else_is_an_invalid_response(string line) =>
        Should.Throw<KubernetesException>(() => Read(line)).Reason.ShouldBe(KubernetesReasons.InvalidResponse);

    [Fact]
    public void A_list_is_read_into_its_items()
    {
        var list = ListReader.Read(
            """{"kind":"ConfigMapList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}],"metadata":{"resourceVersion":"9","continue":"t"}}"""u8,
            Info());
        list.Items.Select(i => i.Metadata.Name).ShouldBe(["a", "b"]);
        (list.ResourceVersion, list.Continue).ShouldBe(("9", "t"));
        ListReader.Read("""{"items":null,"metadata":{"continue":""}}"""u8, Info()).ShouldSatisfyAllConditions(
            l => l.Items.ShouldBeEmpty(), l => l.Continue.ShouldBeNull());
        Should.Throw<JsonException>(() => ListReader.Read("""{"kind":"Status"}"""u8, Info()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task Lines_are_found_however_the_bytes_arrive(int chunk)
    {
        var lines = Enumerable.Range(0, 50).Select(i => new string((char)('a' + (i % 26)), i * i * 20 + 1)).ToArray();
        using var reader = new LineReader(new Slow(Encoding.UTF8.GetBytes(string.Join("\r\n", lines[..25]) + "\n\n" + string.Join('\n', lines[25..]) + "\n"), chunk));
        var read = new List<string>();
        while (await reader.NextAsync(default))
            read.Add(Encoding.UTF8.GetString(reader.Line.Span).TrimEnd('\r'));
        read.ShouldBe(lines);
    }

    [Fact]
    public async Task Half_a_line_at_the_end_is_an_error()
    {
        using var reader = new LineReader(new Slow("one\ntw"u8.ToArray(), 3));
        (await reader.NextAsync(default)).ShouldBeTrue();
        await Should.ThrowAsync<IOException>(async () => await reader.NextAsync(default));
    }

    static WatchEvent<ConfigMap> Read(string line) => WatchReader.Read("watch", Encoding.UTF8.GetBytes(line), Info());

    static System.Text.Json.Serialization.Metadata.JsonTypeInfo<ConfigMap> Info() => KubernetesJson.Default.Info<ConfigMap>();

    sealed class Slow(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(chunk, buffer.Length)], cancellationToken);
    }
}
