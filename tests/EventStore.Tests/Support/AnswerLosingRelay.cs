// A relay between Npgsql and PostgreSQL that loses an answer on demand: the server does its work, the client never hears of it.
using System.Net.Sockets;
using Npgsql;

namespace Framelease.EventStore.Tests.Support;

public sealed class AnswerLosingRelay : IAsyncDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("framelease-relay-").FullName;
    readonly UnixDomainSocketEndPoint _target;
    readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;
    int _armed;

    public AnswerLosingRelay(string connectionString)
    {
        var target = new NpgsqlConnectionStringBuilder(connectionString);
        _target = new($"{target.Host}/.s.PGSQL.{target.Port}");
        _listener.Bind(new UnixDomainSocketEndPoint($"{_directory}/.s.PGSQL.5432"));
        _listener.Listen();
        ConnectionString = new NpgsqlConnectionStringBuilder(connectionString) { Host = _directory, Port = 5432 }.ConnectionString;
        _accepting = AcceptAsync();
    }

    public string ConnectionString { get; }

    /// <summary>How many answers were lost.</summary>
    public int Lost { get; private set; }

    /// <summary>The next thing that the server says to anyone is thrown away, and that connection ends.</summary>
    public void LoseNextAnswer() => Volatile.Write(ref _armed, 1);

    async Task AcceptAsync()
    {
        var pairs = new List<Task>();
        try
        {
            while (true) pairs.Add(RelayAsync(await _listener.AcceptAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(pairs);
        }
    }

    async Task RelayAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (client)
        {
            await server.ConnectAsync(_target);
            await Task.WhenAll(CopyAsync(client, server, isAnswer: false), CopyAsync(server, client, isAnswer: true));
        }
    }

    async Task CopyAsync(Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var count)
            {
                if (isAnswer && Interlocked.Exchange(ref _armed, 0) == 1)
                {
                    Lost++;
                    break;
                }
                for (var sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // one side is gone: so is the other
        }
        foreach (var socket in new[] { from, to })
        {
            try
            {
                socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // gone already
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
