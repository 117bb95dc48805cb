using System.Net;
using System.Net.Sockets;

namespace Framelease.Operator.Notifications;

/// <summary>
/// Keeps requests to URLs that people wrote away from this machine, its network and the cloud's metadata services. It looks at the
/// addresses that a name resolves to at the moment of connecting, so that a name cannot change its mind in between.
/// </summary>
sealed class AddressGuard(IReadOnlyCollection<string> privateHosts)
{
    static readonly IPNetwork[] Closed =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
                "192.168.0.0/16",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "64:ff9b::/96",
                "64:ff9b:1::/48",
            "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8",
        }.Select(n => IPNetwork.Parse(n)),
    ];

    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    /// <exception cref="HttpRequestException">The name resolves to nothing that may be reached.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var addresses = await ResolveAsync(context.DnsEndPoint.Host, cancel);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Closed to everybody but hosts that an administrator named: loopback, link-local with the metadata services, private and special
    /// networks.
    /// </summary>
    public static bool IsPublic(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return !Closed.Any(n => n.BaseAddress.AddressFamily == plain.AddressFamily && n.Contains(plain));
    }

    async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancel)
    {
        var addresses = await Dns.GetHostAddressesAsync(host, cancel);
        if (privateHosts.Contains(host, StringComparer.OrdinalIgnoreCase))
            return addresses;
        // One bad address is enough: a name that resolves to both is an attempt.
        if (Array.Find(addresses, a => !IsPublic(a)) is { } closed)
            throw new HttpRequestException($"{host} resolves to {closed}, which is not public; administrators may allow it in privateHosts");
        return addresses;
    }
}
