using System.Globalization;
using System.Net;

namespace Framelease.LocalCluster.ApiServer;

/// <summary>The command line of <c>framelease-localcluster apiserver</c>.</summary>
/// <param name="DataDirectory">Holds objects, keys, tokens and kubeconfigs.</param>
/// <param name="Address">Where to listen; loopback unless told otherwise.</param>
/// <param name="Port">The port to listen on; null reuses the one of the last start, or takes a free one at the first.</param>
sealed record ApiServerOptions(string DataDirectory, IPAddress Address, int? Port)
{
    public const string Usage = "usage: framelease-localcluster apiserver --data-dir DIR [--address 127.0.0.1] [--port N (0: a free one)]";

    /// <exception cref="FormatException">The arguments are wrong; the message says which and how.</exception>
    public static ApiServerOptions Parse(ReadOnlySpan<string> arguments)
    {
        string? directory = null;
        var address = IPAddress.Loopback;
        int? port = null;
        for (var i = 0; i < arguments.Length; i += 2)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : throw new FormatException($"{arguments[i]} needs a value");
            switch (arguments[i])
            {
                case "--data-dir":
                    directory = value;
                    break;
                case "--address":
                    address = IPAddress.TryParse(value, out var ip) ? ip : throw new FormatException($"--address: \"{value}\" is not an IP address");
                    break;
                case "--port":
                    port = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 65535
                        ? number : throw new FormatException($"--port: \"{value}\" is not a number from 0 to 65535");
                    break;
                default:
                    throw new FormatException($"unknown option {arguments[i]}");
            }
        }

        return new ApiServerOptions(directory ?? throw new FormatException("--data-dir is required"), address, port);
    }
}
