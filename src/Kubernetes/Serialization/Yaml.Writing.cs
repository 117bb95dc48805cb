// The writer: block style, keys in the order of the node, the same bytes for the same node on every machine.
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.Kubernetes.Serialization;

public static partial class Yaml
{
    /// <summary>YAML text of a node, ending in a newline.</summary>
    public static string Write(JsonNode node)
    {
        var text = new StringBuilder();
        WriteBlock(text, node, 0, inline: false);
        return text.ToString();
    }

    /// <param name="inline">True when the first line continues one already begun (<c>- </c>).</param>
    static void WriteBlock(StringBuilder text, JsonNode? node, int indent, bool inline)
    {
        switch (node)
        {
            case JsonObject { Count: > 0 } map:
                foreach (var (key, value) in map)
                {
                    if (!inline)
                        text.Append(' ', indent);
                    inline = false;
                    text.Append(Text(key)).Append(':');
                    WriteValue(text, value, value is JsonArray ? indent : indent + 2);
                }

                break;
            case JsonArray { Count: > 0 } list:
                foreach (var item in list)
                {
                    if (!inline)
                        text.Append(' ', indent);
                    inline = false;
                    text.Append("- ");
                    WriteBlock(text, item, indent + 2, inline: true);
                }

                break;
            default:
                text.Append(Flow(node)).Append('\n');
                break;
        }
    }

    static void WriteValue(StringBuilder text, JsonNode? value, int indent)
    {
        if (value is JsonObject { Count: > 0 } or JsonArray { Count: > 0 })
        {
            text.Append('\n');
            WriteBlock(text, value, indent, inline: false);
        }
        else
        {
            text.Append(' ').Append(Flow(value)).Append('\n');
        }
    }

    static string Flow(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject => "{}",
        JsonArray => "[]",
        _ when node.GetValueKind() == JsonValueKind.String => Text(node.GetValue<string>()),
        _ => node.ToJsonString(),
    };

    /// <summary>Plain where every YAML reader agrees that it is this text; else in double quotes.</summary>
    static string Text(string value) => IsPlain(value) ? value : JsonSerializer.Serialize(value, KubernetesJson.Default.Info<string>());

    static bool IsPlain(string value)
    {
        if (value.Length == 0 || PlainKind(value) != ScalarKind.Text || value[^1] is ' ' or ':')
            return false;
        // YAML 1.1 readers take these words, and numbers with underscores or colons, for something else.
        if (value.ToLowerInvariant() is "y" or "n" or "yes" or "no" or "on" or "off" || value[0] is >= '0' and <= '9')
            return false;
        if (!char.IsAsciiLetterOrDigit(value[0]) && value[0] is not ('/' or '_' or '(' or '$' or '^' or '.'))
            return false;
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            if (c is < ' ' or > '~' || (c == ':' && i + 1 < value.Length && value[i + 1] == ' ') || (c == '#' && value[i - 1] == ' '))
                return false;
        }

        return true;
    }
}
