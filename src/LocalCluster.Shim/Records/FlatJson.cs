using System.Globalization;
using System.Text;

namespace Framelease.LocalCluster.Shim.Records;

/// <summary>Writes one flat JSON object. A general writer would cost the shim more time to load than all its own work takes.</summary>
sealed class FlatJson
{
    readonly StringBuilder _text = new("{");

    internal FlatJson Add(string name, string? value)
    {
        if (value is null)
            return this;
        Name(name).Append('"');
        foreach (var character in value)
            if (character is '"' or '\\')
                _text.Append('\\').Append(character);
            else if (character < ' ' || char.IsSurrogate(character))
                _text.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture));
            else
                _text.Append(character);
        _text.Append('"');
        return this;
    }

    internal FlatJson Add(string name, long? value)
    {
        if (value is { } number)
            Name(name).Append(number.ToString(CultureInfo.InvariantCulture));
        return this;
    }

    internal FlatJson Add(string name, bool value)
    {
        Name(name).Append(value ? "true" : "false");
        return this;
    }

    internal FlatJson Add(string name, DateTimeOffset? value) => Add(name, value?.ToString("O", CultureInfo.InvariantCulture));

    internal byte[] ToUtf8() => Encoding.UTF8.GetBytes(_text.Append('}').ToString());

    StringBuilder Name(string name)
    {
        if (_text.Length > 1)
            _text.Append(',');
        return _text.Append('"').Append(name).Append("\":");
    }
}
