using System.Globalization;
using System.Text;

namespace Framelease.LocalCluster.ApiServer.Cel;

enum CelTokenKind
{
    End,
    Name,
    Symbol,
    Value,
}

readonly record struct CelToken(CelTokenKind Kind, string Text, object? Value = null);

/// <summary>Cuts a rule into tokens.</summary>
static class CelLexer
{
    static readonly string[] Symbols =
        ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "?", ":", "(", ")", "[", "]", ".", ",", "+", "-", "*", "/", "%"];

    public static List<CelToken> Read(string text)
    {
        var tokens = new List<CelToken>();
        for (var at = 0; at < text.Length;)
        {
            var c = text[at];
            if (char.IsWhiteSpace(c))
                at++;
            else if (text.AsSpan(at).StartsWith("//"))
                at = text.IndexOf('\n', at) is var end and >= 0 ? end : text.Length;
            else if (char.IsAsciiDigit(c))
                tokens.Add(ReadNumber(text, ref at));
            else if (c is '"' or '\'')
                tokens.Add(new(CelTokenKind.Value, "string", ReadString(text, ref at, raw: false)));
            else if (c is 'r' or 'R' && at + 1 < text.Length && text[at + 1] is '"' or '\'' && IsRawPrefix(text, at))
                tokens.Add(ReadRaw(text, ref at));
            else if (char.IsAsciiLetter(c) || c == '_')
                tokens.Add(ReadName(text, ref at));
            else
                tokens.Add(ReadSymbol(text, ref at));
        }

        tokens.Add(new(CelTokenKind.End, "the end of the rule"));
        return tokens;
    }

    static bool IsRawPrefix(string text, int at) => text[at] is 'r' or 'R';

    static CelToken ReadRaw(string text, ref int at)
    {
        at++;
        return new(CelTokenKind.Value, "string", ReadString(text, ref at, raw: true));
    }

    static CelToken ReadSymbol(string text, ref int at)
    {
        foreach (var symbol in Symbols)
        {
            if (!text.AsSpan(at).StartsWith(symbol, StringComparison.Ordinal))
                continue;
            at += symbol.Length;
            return new(CelTokenKind.Symbol, symbol);
        }

        throw new CelSyntaxException($"unexpected character '{text[at]}' at position {at}");
    }

    static CelToken ReadName(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_'))
            at++;
        return text[start..at] switch
        {
            "true" => new(CelTokenKind.Value, "true", true),
            "false" => new(CelTokenKind.Value, "false", false),
            "null" => new(CelTokenKind.Value, "null"),
            "in" => new(CelTokenKind.Symbol, "in"),
            var name => new(CelTokenKind.Name, name),
        };
    }

    static CelToken ReadNumber(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && (char.IsAsciiDigit(text[at]) || (text[at] == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1]))))
            at++;
        var digits = text[start..at];
        if (at < text.Length && (char.IsAsciiLetter(text[at]) || text[at] == '_'))
            throw new CelSyntaxException($"number {digits}{text[at]} is of a form that is not known here");
        return digits.Contains('.')
            ? new(CelTokenKind.Value, digits, double.Parse(digits, CultureInfo.InvariantCulture))
            : long.TryParse(digits, CultureInfo.InvariantCulture, out var value) ? new(CelTokenKind.Value, digits, value)
            : throw new CelSyntaxException($"number {digits} is too large");
    }

    static string ReadString(string text, ref int at, bool raw)
    {
        var quote = text[at++];
        var result = new StringBuilder();
        while (at < text.Length && text[at] != quote)
        {
            if (text[at] != '\\' || raw)
                result.Append(text[at++]);
            else
                result.Append(ReadEscape(text, ref at));
        }

        if (at++ >= text.Length)
            throw new CelSyntaxException("a string is not closed");
        return result.ToString();
    }

    static string ReadEscape(string text, ref int at)
    {
        if (at + 1 >= text.Length)
            throw new CelSyntaxException("a string is not closed");
        var c = text[at + 1];
        if (c == 'u' && at + 6 <= text.Length && ushort.TryParse(text.AsSpan(at + 2, 4), NumberStyles.HexNumber, null, out var code))
        {
            at += 6;
            return ((char)code).ToString();
        }

        at += 2;
        return c switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            '\\' or '"' or '\'' or '`' or '?' => c.ToString(),
            _ => throw new CelSyntaxException($"escape \\{c} is not known here"),
        };
    }
}
