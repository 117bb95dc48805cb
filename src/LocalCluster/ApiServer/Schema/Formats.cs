using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Framelease.LocalCluster.ApiServer.Schema;

/// <summary>The string formats that are checked; others are only documentation, as in Kubernetes.</summary>
static class Formats
{
    public static bool IsValid(string format, string text) => format switch
    {
        "date-time" => IsDateTime(text),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "uuid" or "uuid3" or "uuid4" or "uuid5" => Guid.TryParseExact(text, "D", out _) || Guid.TryParseExact(text, "N", out _),
        "byte" => Convert.TryFromBase64String(text, new byte[text.Length], out _),
        "uri" => Uri.TryCreate(text, UriKind.RelativeOrAbsolute, out _),
        "ipv4" => IPAddress.TryParse(text, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork && text.Split('.').Length == 4,
        "ipv6" => IPAddress.TryParse(text, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6,
        "cidr" => IPNetwork.TryParse(text, out _),
        "email" => text.IndexOf('@') is var at and > 0 && at < text.Length - 1,
        _ => true,
    };

    static bool IsDateTime(string text) => text.Length >= 20 && text[10] is 'T' or 't'
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);
}
