using System.Text.RegularExpressions;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Selectors;

/// <summary>Kubernetes' rules for names, label keys and label values; each answers with the problem, or null.</summary>
static partial class Names
{
    const int MaxLabel = 63;
    const int MaxSubdomain = 253;

    public static string? Problem(string name, NameRule rule) => rule == NameRule.Label ? LabelProblem(name) : SubdomainProblem(name);

    public static string? SubdomainProblem(string name) =>
        name.Length > MaxSubdomain ? $"must be no more than {MaxSubdomain} bytes"
        : Subdomain().IsMatch(name) ? null
        : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
          + "alphanumeric character (e.g. 'example.com', regex used for validation is "
          + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    public static string? LabelProblem(string name) =>
        name.Length > MaxLabel ? $"must be no more than {MaxLabel} bytes"
        : DnsLabel().IsMatch(name) ? null
        : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
          + "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

    public static string? QualifiedNameProblem(string key)
    {
        var slash = key.IndexOf('/');
        if (slash >= 0 && SubdomainProblem(key[..slash]) is { } prefixProblem)
            return $"prefix part {prefixProblem}";
        var name = key[(slash + 1)..];
        return name.Length == 0 ? "name part must be non-empty"
            : name.Length > MaxLabel ? $"name part must be no more than {MaxLabel} bytes"
            : QualifiedName().IsMatch(name) ? null
            : "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
              + "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    }

    public static string? LabelValueProblem(string value) =>
        value.Length > MaxLabel ? $"must be no more than {MaxLabel} bytes"
        : value.Length == 0 || QualifiedName().IsMatch(value) ? null
        : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
          + "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
          + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Subdomain();

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex DnsLabel();

    [GeneratedRegex(@"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex QualifiedName();
}
