using System.Net;
using System.Net.Sockets;

namespace Framelease.LocalCluster.Supervision;

/// <summary>
/// A port on 127.0.0.1, claimed among the platforms of this machine by a locked file: two that start at the same moment would both find the
/// same port free, because the server that is to use it binds only later.
/// </summary>
sealed class FreePort : IDisposable
{
    const int Attempts = 50;

    readonly FileStream _claim;

    FreePort(int number, FileStream claim) => (Number, _claim) = (number, claim);

    internal int Number { get; }

    /// <summary>The first wanted port that can be had now, else any free one.</summary>
    internal static FreePort Choose(params IEnumerable<int?> wanted)
    {
        foreach (var port in wanted)
            if (port is > 0 && TryTake(port.Value) is { } taken)
                return taken;
        for (var attempt = 0; attempt < Attempts; attempt++)
            if (TryBind(0) is { } free && TryTake(free) is { } taken)
                return taken;
        throw new PlatformException("no free port on 127.0.0.1");
    }

    /// <summary>Null when it is taken.</summary>
    internal static FreePort? TryTake(int port)
    {
        FileStream claim;
        try
        {
            claim = new FileStream(Path.Combine(Path.GetTempPath(), $"framelease-port-{port}-{Environment.UserName}.lock"),
                FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        if (TryBind(port) is not null)
            return new FreePort(port, claim);
        claim.Dispose();
        return null;
    }

    public void Dispose() => _claim.Dispose();

    static int? TryBind(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // As the servers themselves do: a connection of the last start in TIME_WAIT does not make the port taken.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(1);
            return ((IPEndPoint)socket.LocalEndPoint!).Port;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
