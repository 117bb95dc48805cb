using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Framelease.Operator.Tests.Support;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.Tests.WorkerApi;

/// <summary>
/// Messages as older workers and operators wrote them. A file is never changed: a version of the protocol adds files, in a directory of its own.
/// </summary>
public sealed class PastProtocolTests
{
    static readonly string Directory = Path.Combine(Repository.Root, "tests/Operator.Tests/WorkerApi/testassets/protocol");

    public static TheoryData<string> Requests => Files("Request");

    public static TheoryData<string> Replies => Files("Reply", "Assignment", "HeldLease", "NodeQuarantine");

    [Theory]
    [MemberData(nameof(Requests))]
    public void What_an_older_worker_sends_is_understood_whole(string file) => SaysAllOf(Read(file), Again(file));

    [Theory]
    [MemberData(nameof(Requests))]
    [MemberData(nameof(Replies))]
    public void Fields_of_the_future_are_ignored_at_every_depth(string file)
    {
        var message = Read(file);
        Grow(message);
        SaysAllOf(Read(file), Again(message, TypeOf(file)));
    }

    // What was in an answer stays in it, under its name and with its meaning: an older worker relies on it.
    [Theory]
    [MemberData(nameof(Replies))]
    public void What_an_older_worker_reads_is_still_said(string file) => SaysAllOf(Read(file), Again(file));

    [Fact]
    public void What_an_older_worker_leaves_out_has_defaults()
    {
        var attach = Of(ProtocolJson.Default.AttachRequest, "1.0/AttachRequest.json");
        (attach.Protocol, attach.BootId, attach.DeviceIds).ShouldBe((null, null, null));
        Of(ProtocolJson.Default.BeatRequest, "1.0/BeatRequest.json").Device.ShouldBeNull();
        var beat = Of(ProtocolJson.Default.HolderBeatRequest, "1.1/HolderBeatRequest.json");
        (beat.PerMille, beat.Message, beat.Device).ShouldBe((0, null, new DeviceTelemetry(TemperatureCelsius: 61)));
        Of(ProtocolJson.Default.HeldLease, "1.1/HeldLease.json").StopAfterSeconds.ShouldBeNull();
        Of(ProtocolJson.Default.Assignment, "1.0/Assignment.json").Protocol.ShouldBeNull();
    }

    static T Of<T>(JsonTypeInfo<T> type, string file) => JsonSerializer.Deserialize(Read(file), type)!;

    static TheoryData<string> Files(params string[] endings)
    {
        var found = new TheoryData<string>();
        var all = System.IO.Directory.EnumerateFiles(Directory, "*.json", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Directory, f));
        foreach (var file in all.Where(f => endings.Any(e => f.EndsWith(e + ".json", StringComparison.Ordinal))).Order(StringComparer.Ordinal))
            found.Add(file);
        return found;
    }

    static JsonObject Read(string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(Directory, file)))!.AsObject();

    static JsonObject Again(string file) => Again(Read(file), TypeOf(file));

    static JsonObject Again(JsonObject message, JsonTypeInfo type) =>
        JsonSerializer.SerializeToNode(JsonSerializer.Deserialize(message, type), type)!.AsObject();

    static JsonTypeInfo TypeOf(string file)
    {
        var type = typeof(ProtocolJson).Assembly.GetType($"Framelease.WorkerProtocol.{Path.GetFileNameWithoutExtension(file)}").ShouldNotBeNull(file);
        return ProtocolJson.Default.GetTypeInfo(type).ShouldNotBeNull(file);
    }

    static void SaysAllOf(JsonNode? less, JsonNode? more, string path = "")
    {
        if (less is not JsonObject fields)
        {
            JsonNode.DeepEquals(less, more).ShouldBeTrue($"{path}: {less?.ToJsonString()} became {more?.ToJsonString()}");
            return;
        }

        foreach (var (name, value) in fields)
            SaysAllOf(value, more.ShouldBeOfType<JsonObject>(path)[name], $"{path}.{name}");
    }

    static void Grow(JsonObject message)
    {
        foreach (var inner in message.Select(f => f.Value).OfType<JsonObject>().ToList())
        {
            // A map of names has no unknown fields: every name is one of its own.
            if (inner.Parent is JsonObject parent && !parent.Any(f => f.Key == "parameters" && f.Value == inner))
                Grow(inner);
        }

        message["fieldOfTheFuture"] = new JsonObject { ["x"] = 1 };
    }
}
