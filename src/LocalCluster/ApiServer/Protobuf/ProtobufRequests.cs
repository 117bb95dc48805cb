using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Builtin;

namespace Framelease.LocalCluster.ApiServer.Protobuf;

/// <summary>
/// Reads request bodies of <c>application/vnd.kubernetes.protobuf</c>: an envelope that names the kind, and a message whose fields
/// the <c>.kinds</c> files number. kubectl creates namespaces, config maps, secrets, services, accounts, tokens and reviews so;
/// answers are JSON, which it accepts as well.
/// </summary>
static class ProtobufRequests
{
    public const string MediaType = "application/vnd.kubernetes.protobuf";

    // Pure data of the program, needed only by the first such request.
    static readonly Lazy<KindFile> Kinds = new(KindFile.ReadAll);

    static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <exception cref="ProtobufException">It is not such a message, or of a kind whose numbers are not known here.</exception>
    public static JsonObject Read(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith(Magic))
            throw new ProtobufException("the body does not begin as a Kubernetes protobuf message does");
        string apiVersion = "", kind = "";
        ReadOnlySpan<byte> raw = default;
        var envelope = new ProtobufReader(body[Magic.Length..]);
        while (envelope.Read())
        {
            if (envelope.Field == 2)
                raw = envelope.Bytes;
            if (envelope.Field != 1)
                continue;
            var type = new ProtobufReader(envelope.Bytes);
            while (type.Read())
            {
                if (type.Field == 1)
                    apiVersion = type.Text;
                if (type.Field == 2)
                    kind = type.Text;
            }
        }

        var fields = Kinds.Value.KindFields(apiVersion, kind) ?? Kinds.Value.Fields(kind);
        if (fields is null || fields.All(field => field.Number == 0))
            throw new ProtobufException($"{kind} of {apiVersion} is not read as protobuf here");
        var item = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind };
        ReadFields(item, raw, kind == "DeleteOptions" ? fields : [MetadataField, .. fields]);
        return item;
    }

    static KindField MetadataField { get; } = new("metadata", "ObjectMeta", 1, false, null, "");

    static void ReadFields(JsonObject item, ReadOnlySpan<byte> message, IReadOnlyList<KindField> fields)
    {
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            var number = reader.Field;
            var field = fields.FirstOrDefault(candidate => candidate.Number == number && number > 0);
            if (field is null)
                continue;
            switch (field.Type)
            {
                case ['{', .. var type, '}']:
                    ReadEntry(item, field.Name, type.Split(' ')[0], reader.Bytes);
                    break;
                case ['[', .. var type, ']']:
                    if (item[field.Name] is not JsonArray list)
                        item[field.Name] = list = [];
                    list.Add(ReadValue(type.Split(' ')[0], ref reader));
                    break;
                default:
                    // Go writes empty strings, zeros and empty messages where JSON leaves them out.
                    if (ReadValue(field.Type, ref reader) is { } value && !IsEmpty(value, field.Name))
                        item[field.Name] = value;
                    break;
            }
        }
    }

    static void ReadEntry(JsonObject item, string name, string type, ReadOnlySpan<byte> entry)
    {
        if (item[name] is not JsonObject map)
            item[name] = map = [];
        var key = "";
        JsonNode? value = "";
        var reader = new ProtobufReader(entry);
        while (reader.Read())
        {
            if (reader.Field == 1)
                key = reader.Text;
            if (reader.Field == 2)
                value = ReadValue(type, ref reader);
        }

        map[key] = value;
    }

    static JsonNode? ReadValue(string type, ref ProtobufReader reader) => type switch
    {
        "int" or "int64" => (JsonNode)(long)reader.Number,
        "bool" => reader.Number != 0,
        "bytes" => Convert.ToBase64String(reader.Bytes),
        "time" or "microtime" => ReadTime(reader.Bytes),
        "intOrString" => ReadIntOrString(reader.Bytes),
        "string" => reader.Text,
        _ when type.StartsWith("enum(", StringComparison.Ordinal) => reader.Text,
        _ => ReadMessage(type, reader.Bytes),
    };

    static JsonObject ReadMessage(string type, ReadOnlySpan<byte> message)
    {
        var item = new JsonObject();
        ReadFields(item, message, Kinds.Value.Fields(type) ?? []);
        return item;
    }

    static JsonNode? ReadTime(ReadOnlySpan<byte> message)
    {
        long seconds = 0;
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            if (reader.Field == 1)
                seconds = (long)reader.Number;
        }

        return seconds == 0 ? null : Handlers.Timestamps.Format(DateTimeOffset.FromUnixTimeSeconds(seconds));
    }

    static JsonNode? ReadIntOrString(ReadOnlySpan<byte> message)
    {
        var (isText, number, text) = (false, 0L, "");
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            if (reader.Field == 1)
                isText = reader.Number == 1;
            if (reader.Field == 2)
                number = (long)reader.Number;
            if (reader.Field == 3)
                text = reader.Text;
        }

        return isText ? text : number;
    }

    // A grace of zero seconds is not the same as none given.
    static bool IsEmpty(JsonNode value, string name) => value switch
    {
        JsonObject map => map.Count == 0,
        JsonValue text when text.TryGetValue<string>(out var content) => content.Length == 0,
        JsonValue number when number.TryGetValue<long>(out var amount) => amount == 0 && name != "gracePeriodSeconds",
        _ => false,
    };
}
