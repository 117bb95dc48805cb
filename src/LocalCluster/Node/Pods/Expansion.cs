using System.Text;

namespace Framelease.LocalCluster.Node.Pods;

/// <summary><c>$(NAME)</c> in commands, arguments and variables, as Kubernetes does it: unknown names stay as they are, <c>$$(X)</c> is a literal.</summary>
static class Expansion
{
    internal static string Expand(string text, IReadOnlyDictionary<string, string> variables)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
            return text;
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
            }
            else if (text[i + 1] == '$')
            {
                result.Append('$');
                i++;
            }
            else if (text[i + 1] == '(' && text.IndexOf(')', i) is var end && end > 0)
            {
                var name = text[(i + 2)..end];
                result.Append(variables.GetValueOrDefault(name) ?? text[i..(end + 1)]);
                i = end;
            }
            else
            {
                result.Append('$');
            }
        }
        return result.ToString();
    }
}
