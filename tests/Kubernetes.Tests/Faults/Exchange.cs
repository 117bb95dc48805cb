using System.Net.Sockets;
using System.Text;
using System.Web;

namespace Framelease.Kubernetes.Tests.Faults;

/// <summary>One request on one connection, and the bytes of its answer, which need not be an answer at all.</summary>
sealed class Exchange(Socket socket, Stream stream, Collection collection, CancellationToken stop)
{
    public Uri Url { get; private set; } = null!;

    public CancellationToken Stop => stop;

    public bool IsWatch => Query("watch") == "true";

    /// <summary>The first look at everything: a list, or a watch that begins with it.</summary>
    public bool IsInitial => !IsWatch || IsStream;

    public bool IsStream => Query("sendInitialEvents") == "true";

    public (string[] Lines, long Version, Task Changed) History() => collection.After(0);

    public string? Query(string name) => HttpUtility.ParseQueryString(Url.Query)[name];

    /// <summary>False: the client hung up instead.</summary>
    public async Task<bool> ReadRequestAsync()
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, stop) == 0)
                return false;
            head.Append((char)one[0]);
        }

        Url = new Uri(new Uri("http://server"), head.ToString().Split(' ')[1]);
        return true;
    }

    public Task HeadAsync(int code = 200, string headers = "") =>
        SendAsync($"HTTP/1.1 {code} Some Reason\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}\r\n");

    public async Task SendAsync(string text)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), stop);
        await stream.FlushAsync(stop);
    }

    public async Task SendSlowlyAsync(string text)
    {
        for (var i = 0; i < text.Length; i += 3)
        {
            await SendAsync(text[i..Math.Min(i + 3, text.Length)]);
            await Task.Yield();
        }
    }

    public async Task FailAsync(int code, string headers = "")
    {
        await HeadAsync(code, headers);
        await SendAsync(Status(code));
    }

    /// <summary>RST instead of FIN.</summary>
    public void Reset()
    {
        socket.LingerState = new(true, 0);
        socket.Close();
    }

    public Task HangAsync() => Task.Delay(Timeout.Infinite, stop);

    public static string Error(int code) => $$"""{"type":"ERROR","object":{{Status(code)}} }""" + "\n";

    static string Status(int code) =>
        $$"""{"kind":"Status","status":"Failure","reason":"{{(code == 410 ? "Expired" : "Other")}}","code":{{code}},"message":"scripted"}""";

    // ---- as a good server answers ----

    public async Task ServeAsync()
    {
        if (!IsWatch)
        {
            var limit = int.TryParse(Query("limit"), out var size) ? size : int.MaxValue;
            await HeadAsync();
            await SendAsync(collection.Page(int.TryParse(Query("continue"), out var from) ? from : 0, limit));
            return;
        }

        if (!IsStream)
        {
            await ServeWatchAsync();
            return;
        }

        await HeadAsync();
        var (lines, version) = collection.All();
        await SendAsync(string.Concat(lines));
        await SendAsync(Mark(version));
        await FollowAsync(version, int.MaxValue, 0);
    }

    const string Annotations = """{"k8s.io/initial-events-end":"true"}""";

    public static string Mark(long version) =>
        $$"""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"{{version}}","annotations":{{Annotations}} } } }""" + "\n";

    /// <param name="most">Ends after so many events.</param>
    /// <param name="back">Begins so many versions too early, as a resume may.</param>
    public async Task ServeWatchAsync(int most = int.MaxValue, int back = 0)
    {
        var from = long.Parse(Query("resourceVersion")!);
        if (collection.IsTooOld(from))
        {
            await FailAsync(410);
            return;
        }

        await HeadAsync();
        await FollowAsync(from, most, back);
    }

    async Task FollowAsync(long from, int most, int back)
    {
        from -= back;
        while (most > 0)
        {
            var (lines, version, changed) = collection.After(from);
            foreach (var line in lines.Take(most))
                await SendAsync(line);
            most -= lines.Length;
            from = version;
            if (lines.Length == 0)
                await changed.WaitAsync(stop);
        }
    }
}
