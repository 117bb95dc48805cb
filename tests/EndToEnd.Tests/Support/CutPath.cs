using System.Net;
using System.Net.Sockets;

namespace Framelease.EndToEnd.Tests.Support;

/// <summary>A way over TCP to an address, which can be cut: nothing passes then, and nobody is told, as where a switch drops packets.</summary>
sealed class CutPath : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _end = new();
    readonly Uri _to;
    readonly Task _accepting;
    TaskCompletionSource _whole = new();

    public CutPath(Uri to)
    {
        _to = to;
        _whole.SetResult();
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Of this side.</summary>
    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Cuts it; whole again when the result is disposed.</summary>
    public IDisposable Cut()
    {
        _whole = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return new Healing(_whole);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    async Task AcceptAsync()
    {
        var passing = new List<Task>();
        try
        {
            while (true)
                passing.Add(PassAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(passing);
        }
    }

    async Task PassAsync(TcpClient near)
    {
        using var far = new TcpClient();
        using (near)
        {
            try
            {
                await _whole.Task.WaitAsync(_end.Token);
                await far.ConnectAsync(_to.Host, _to.Port, _end.Token);
                // Whichever side ends first ends both.
                await await Task.WhenAny(CopyAsync(near.GetStream(), far.GetStream()), CopyAsync(far.GetStream(), near.GetStream()));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
            }
        }
    }

    async Task CopyAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer, _end.Token) is > 0 and var read)
        {
            await _whole.Task.WaitAsync(_end.Token);
            await to.WriteAsync(buffer.AsMemory(0, read), _end.Token);
        }
    }

    sealed class Healing(TaskCompletionSource whole) : IDisposable
    {
        public void Dispose() => whole.SetResult();
    }
}
