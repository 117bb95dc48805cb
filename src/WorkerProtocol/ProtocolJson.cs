using System.Text.Json.Serialization;

namespace Framelease.WorkerProtocol;

/// <summary>Source-generated JSON of <c>/worker/v1</c>: camelCase, enums as text, nulls left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    PropertyNameCaseInsensitive = false)]
[JsonSerializable(typeof(AttachRequest))]
[JsonSerializable(typeof(Assignment))]
[JsonSerializable(typeof(BeatRequest))]
[JsonSerializable(typeof(BeatReply))]
[JsonSerializable(typeof(CompleteRequest))]
[JsonSerializable(typeof(CompleteReply))]
[JsonSerializable(typeof(FailRequest))]
[JsonSerializable(typeof(FailReply))]
[JsonSerializable(typeof(HolderWaitRequest))]
[JsonSerializable(typeof(HolderWaitReply))]
[JsonSerializable(typeof(HolderAttachRequest))]
[JsonSerializable(typeof(HeldLease))]
[JsonSerializable(typeof(HolderBeatRequest))]
[JsonSerializable(typeof(HolderReleaseRequest))]
[JsonSerializable(typeof(HolderReleaseReply))]
[JsonSerializable(typeof(NodeQuarantine))]
[JsonSerializable(typeof(ProofsRequest))]
[JsonSerializable(typeof(ProofsReply))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ProtocolJson : JsonSerializerContext;
