// YAML to JSON nodes and back: kubeconfigs, manifests, CRD files. YAML 1.2 core scalars, as Kubernetes reads them; no types, no reflection.
using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Framelease.Kubernetes.Serialization;

public static partial class Yaml
{
    /// <summary>Aliases may blow up a small file; more nodes than this are refused.</summary>
    const int MaxNodes = 1_000_000;

    /// <summary>Each document of a YAML (or JSON) text; empty documents are left out.</summary>
    /// <exception cref="FormatException">Not YAML; the message has line and column.</exception>
    public static IReadOnlyList<JsonNode> ParseAll(string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException error)
        {
            throw new FormatException($"not valid YAML at line {error.Start.Line}, column {error.Start.Column}: {Why(error)}", error);
        }

        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            throw new FormatException($"not valid YAML: {error.Message}", error); // the parser gives up on some texts without saying where
        }

        var left = MaxNodes;
        var documents = new List<JsonNode>();
        foreach (var document in stream.Documents)
        {
            if (Convert(document.RootNode, ref left, 0) is { } node)
                documents.Add(node);
        }

        return documents;
    }

    /// <summary>The only document, which must be a mapping.</summary>
    /// <exception cref="FormatException">Not YAML, or not one mapping.</exception>
    public static JsonObject ParseObject(string text) =>
        ParseAll(text) is [JsonObject only] ? only : throw new FormatException("expected one YAML document that is a mapping");

    static string Why(YamlException error) => (error.InnerException ?? error).Message;

    static JsonNode? Convert(YamlNode node, ref int left, int depth)
    {
        if (--left < 0 || depth > 120)
            throw new FormatException($"more than {MaxNodes} nodes, or deeper than 120 levels, at line {node.Start.Line}");
        switch (node)
        {
            case YamlScalarNode scalar:
                return Scalar(scalar);
            case YamlSequenceNode sequence:
                var array = new JsonArray();
                foreach (var item in sequence.Children)
                    array.Add(Convert(item, ref left, depth + 1));
                return array;
            case YamlMappingNode mapping:
                var result = new JsonObject();
                foreach (var (key, value) in mapping.Children)
                {
                    if (key is not YamlScalarNode { Value: { } name })
                        throw new FormatException($"line {key.Start.Line}: keys must be plain text");
                    result[name] = Convert(value, ref left, depth + 1);
                }

                return result;
            default:
                throw new FormatException($"line {node.Start.Line}: unexpected {node.NodeType}");
        }
    }

    static JsonValue? Scalar(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style != ScalarStyle.Plain || scalar.Tag.ToString() == "tag:yaml.org,2002:str")
            return JsonValue.Create(text);
        return PlainKind(text) switch
        {
            ScalarKind.Null => null,
            ScalarKind.True => JsonValue.Create(true),
            ScalarKind.False => JsonValue.Create(false),
            ScalarKind.Integer => JsonValue.Create(long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)),
            ScalarKind.Number => JsonValue.Create(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)),
            _ => JsonValue.Create(text),
        };
    }

    /// <summary>What an unquoted scalar means.</summary>
    static ScalarKind PlainKind(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return ScalarKind.Null;
            case "true" or "True" or "TRUE":
                return ScalarKind.True;
            case "false" or "False" or "FALSE":
                return ScalarKind.False;
        }

        if (text[0] is not ((>= '0' and <= '9') or '-' or '+' or '.'))
            return ScalarKind.Text;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            return ScalarKind.Integer;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? ScalarKind.Number
            : ScalarKind.Text;
    }

    enum ScalarKind
    {
        Text,
        Null,
        True,
        False,
        Integer,
        Number,
    }
}
