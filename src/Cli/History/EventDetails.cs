// What an event says beyond its name, in one line. Works on data alone, so that events of newer versions are shown too.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.Cli.History;

static class EventDetails
{
    /// <summary>Shown in columns of their own, said by the stream, or too long for a line; JSON output has them all.</summary>
    static readonly HashSet<string> Left = new(StringComparer.OrdinalIgnoreCase)
    {
        "token", "slot", "device", "node", "taskUid", "leaseUid", "namespace", "specHash", "parameters", "terms", "input", "deviceName", "deviceKind",
        "deviceIndex", "logTail", "scenes", "key", "podUid",
    };

    public static string Of(JsonObject data)
    {
        var parts = new List<string>();
        Add(parts, data, "");
        return string.Join(' ', parts);
    }

    static void Add(List<string> parts, JsonObject data, string prefix)
    {
        foreach (var (name, value) in data)
        {
            if (value is null || Left.Contains(name))
                continue;
            if (value is JsonObject inner)
                Add(parts, inner, "");
            else if (value is JsonValue scalar)
                parts.Add($"{prefix}{name}={Text(name, scalar)}");
        }
    }

    static string Text(string name, JsonValue value)
    {
        if (value.GetValueKind() is not JsonValueKind.String)
            return value.ToJsonString();
        var text = (string)value!;
        // UIDs and digests are recognised by their beginning; JSON output has them whole.
        if (name.EndsWith("Uid", StringComparison.Ordinal) && text.Length > 8)
            return text[..8];
        if (name is "sha256" && text.Length > 12)
            return text[..12];
        return text.Contains(' ', StringComparison.Ordinal) ? $"\"{text}\"" : text;
    }
}

/// <summary>Device and token that a stream speaks of: named by some events, and in force until another event names others.</summary>
sealed class DeviceColumn
{
    string _device = "";
    string _token = "";

    public (string Device, string Token) Next(JsonObject data)
    {
        _device = data["slot"] switch
        {
            JsonObject slot => $"{slot["node"]}/{slot["device"]}#{slot["slot"]}",
            JsonValue plain when plain.GetValueKind() is JsonValueKind.String => (string)plain!,
            _ => (string?)data["device"] ?? _device,
        };
        if (data["token"] is JsonValue token && token.TryGetValue<long>(out var number) && number > 0)
            _token = number.ToString(CultureInfo.InvariantCulture);
        return (_device, _token);
    }
}
