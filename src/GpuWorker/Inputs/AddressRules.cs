using System.Net;
using System.Net.Sockets;

namespace Framelease.GpuWorker.Inputs;

/// <summary>
/// Which addresses a user's URL may lead to: those of the public internet. Everything that a special-purpose registry of IANA lists is refused: loopback,
/// private, link-local (with the clouds' metadata services), multicast, shared, documentation, and every form that carries an IPv4 address inside IPv6.
/// </summary>
static class AddressRules
{
    static readonly IPNetwork[] RefusedV4 =
    [
        .. ((string[])
        [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ]).Select(IPNetwork.Parse),
    ];

    // global unicast is 2000::/3; these lie inside it
    static readonly IPNetwork GlobalV6 = IPNetwork.Parse("2000::/3");
    static readonly IPNetwork[] RefusedV6 = [.. ((string[])["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]).Select(IPNetwork.Parse)];

    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily switch
        {
            AddressFamily.InterNetwork => !RefusedV4.Any(n => n.Contains(address)),
            AddressFamily.InterNetworkV6 => GlobalV6.Contains(address) && !RefusedV6.Any(n => n.Contains(address)),
            _ => false,
        };
    }

    /// <param name="allowed">Addresses or networks (<c>10.1.0.0/16</c>) that are excused; host names among them are passed over.</param>
    public static bool IsAllowed(IPAddress address, IReadOnlyList<string> allowed)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return IsPublic(address) || allowed.Any(entry =>
            (IPAddress.TryParse(entry, out var single) && single.Equals(address))
            || (entry.Contains('/', StringComparison.Ordinal) && IPNetwork.TryParse(entry, out var network) && network.Contains(address)));
    }
}
