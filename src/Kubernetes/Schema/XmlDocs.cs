// Summaries of the compiler's documentation file, as plain text.
using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using System.Xml.Linq;

namespace Framelease.Kubernetes.Schema;

static class XmlDocs
{
    static readonly ConcurrentDictionary<Assembly, IReadOnlyDictionary<string, string>> Files = [];

    public static string? Of(Type type) =>
        type.GetCustomAttribute<DescriptionAttribute>()?.Text ?? Find(type.Assembly, $"T:{NameOf(type)}");

    /// <summary>The property's own text, else that of its (record) type.</summary>
    public static string? Of(PropertyInfo property)
    {
        var own = property.GetCustomAttribute<DescriptionAttribute>()?.Text
            ?? Find(property.DeclaringType!.Assembly, $"P:{NameOf(property.DeclaringType!)}.{property.Name}");
        if (own is not null)
            return own;
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        return type.IsEnum || (type.IsClass && type.Assembly == property.DeclaringType!.Assembly) ? Of(type) : null;
    }

    static string? Find(Assembly assembly, string member) => Files.GetOrAdd(assembly, Read).GetValueOrDefault(member);

    static IReadOnlyDictionary<string, string> Read(Assembly assembly)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        var file = Path.Combine(AppContext.BaseDirectory, $"{assembly.GetName().Name}.xml");
        if (!File.Exists(file))
            return texts;
        foreach (var member in XDocument.Load(file).Descendants("member"))
        {
            if (member.Attribute("name") is { Value: var name } && member.Element("summary") is { } summary
                && Text(summary) is { Length: > 0 } text)
                texts[name] = text;
        }

        return texts;
    }

    static string Text(XElement element)
    {
        var text = new StringBuilder();
        Append(text, element);
        return string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    static void Append(StringBuilder text, XElement element)
    {
        foreach (var node in element.Nodes())
        {
            switch (node)
            {
                case XText plain:
                    text.Append(plain.Value);
                    break;
                case XElement child when (child.Attribute("cref") ?? child.Attribute("name") ?? child.Attribute("langword")) is { } reference:
                    text.Append(child.IsEmpty ? reference.Value[(reference.Value.LastIndexOfAny(['.', ':']) + 1)..] : child.Value);
                    break;
                case XElement child:
                    Append(text, child);
                    break;
            }
        }
    }

    static string NameOf(Type type) => type.FullName!.Replace('+', '.');
}
