using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Framelease.Conformance.Tests.Support;

/// <summary>The few members of a kubeconfig with one context that the suite needs: server, authority, token.</summary>
public sealed record Kubeconfig(Uri Server, X509Certificate2Collection Authorities, string Token)
{
    public static Kubeconfig Read(string path)
    {
        var values = File.ReadLines(path).Select(line => line.Trim().TrimStart('-').Trim()).Where(line => line.Contains(": "))
            .Select(line => line.Split(": ", 2)).GroupBy(pair => pair[0]).ToDictionary(group => group.Key, group => group.First()[1].Trim('"'));
        var authority = values.TryGetValue("certificate-authority-data", out var data) ? Encoding.ASCII.GetString(Convert.FromBase64String(data))
            : values.TryGetValue("certificate-authority", out var file) ? File.ReadAllText(file) : null;
        var authorities = new X509Certificate2Collection();
        if (authority is not null)
            authorities.ImportFromPem(authority);
        return new Kubeconfig(new Uri(values["server"]), authorities, values.GetValueOrDefault("token", ""));
    }
}
