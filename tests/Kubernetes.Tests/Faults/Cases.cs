// The faults, by name. Each is set up before the store starts; after it the server behaves.
using System.Net.Sockets;
using System.Text;

namespace Framelease.Kubernetes.Tests.Faults;

static class Cases
{
    const string Html = "<html><body>502 Bad Gateway</body></html>";

    /// <summary>What the first look at everything meets, list or stream.</summary>
    public static readonly IReadOnlyDictionary<string, Func<Exchange, Task>> OnInitial = new Dictionary<string, Func<Exchange, Task>>
    {
        ["400"] = x => x.FailAsync(400),
        ["401"] = x => x.FailAsync(401),
        ["403"] = x => x.FailAsync(403),
        ["410"] = x => x.FailAsync(410),
        ["429 with Retry-After"] = x => x.FailAsync(429, "Retry-After: 1\r\n"),
        ["500"] = x => x.FailAsync(500),
        ["503 with Retry-After"] = x => x.FailAsync(503, "Retry-After: 1\r\n"),
        ["a redirect"] = x => x.FailAsync(302, "Location: /elsewhere\r\n"),
        ["HTML instead of JSON"] = async x =>
        {
            await x.HeadAsync();
            await x.SendAsync(Html);
        },
        ["an empty body"] = x => x.HeadAsync(),
        ["another protocol"] = x => x.SendAsync("SSH-2.0-OpenSSH_9.2\r\n"),
        ["an end before any answer"] = _ => Task.CompletedTask,
        ["a reset before any answer"] = Reset,
        ["a reset after the head"] = async x =>
        {
            await x.HeadAsync();
            x.Reset();
        },
        ["half of the body, then the end"] = async x =>
        {
            await x.HeadAsync(200, "Content-Length: 5000\r\n");
            await x.SendAsync(Half(x));
        },
        ["half of the body, then a reset"] = async x =>
        {
            await x.HeadAsync();
            await x.SendAsync(Half(x));
            x.Reset();
        },
        ["chunks that break off"] = async x =>
        {
            await x.HeadAsync(200, "Transfer-Encoding: chunked\r\n");
            await x.SendAsync($"{Half(x).Length:x}\r\n{Half(x)}\r\n7f");
        },
        ["a hung answer"] = x => x.HangAsync(),
    };

    /// <summary>What the first watch that goes on from a version meets.</summary>
    public static readonly IReadOnlyDictionary<string, Func<Exchange, Task>> OnWatch = new Dictionary<string, Func<Exchange, Task>>
    {
        ["400"] = x => x.FailAsync(400),
        ["403"] = x => x.FailAsync(403),
        ["410"] = x => x.FailAsync(410),
        ["429 with Retry-After"] = x => x.FailAsync(429, "Retry-After: 1\r\n"),
        ["500"] = x => x.FailAsync(500),
        ["503"] = x => x.FailAsync(503),
        ["410 as an event, in the middle"] = x => AfterOne(x, Exchange.Error(410)),
        ["500 as an event, in the middle"] = x => AfterOne(x, Exchange.Error(500)),
        ["HTML in the middle"] = x => AfterOne(x, Html + "\n"),
        ["bytes that are not UTF-8"] = x => AfterOne(x, Encoding.Latin1.GetString([0xff, 0xfe, 0x00, 0x0a])),
        ["an event of an unknown type"] = x => AfterOne(x, """{"type":"SYNC","object":{"metadata":{"resourceVersion":"1"}}}""" + "\n"),
        ["an event without version"] = x => AfterOne(x, """{"type":"MODIFIED","object":{"metadata":{"name":"a"}}}""" + "\n"),
        ["an event without object"] = x => AfterOne(x, """{"type":"MODIFIED","object":null}""" + "\n"),
        ["half a line, then the end"] = x => AfterOne(x, """{"type":"MODIFIED","object":{"metadata":{"na"""),
        ["half a line, then a reset"] = async x =>
        {
            await AfterOne(x, """{"type":"MODIFIED","object":{"metadata":{"na""");
            x.Reset();
        },
        ["a reset before the head"] = Reset,
        ["a reset before any event"] = async x =>
        {
            await x.HeadAsync();
            x.Reset();
        },
        ["a reset in the middle"] = async x =>
        {
            await x.ServeWatchAsync(most: 1);
            x.Reset();
        },
        ["a good end at once"] = x => x.HeadAsync(),
        ["a good end in the middle"] = x => x.ServeWatchAsync(most: 1),
        ["every event again after a resume"] = x => x.ServeWatchAsync(most: 8, back: 1000),
        ["events out of order after a resume"] = OutOfOrderAsync,
        ["one byte after the other"] = async x =>
        {
            await x.HeadAsync();
            await x.SendSlowlyAsync("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"101"}}}""" + "\n");
        },
        ["bookmarks and nothing else"] = async x =>
        {
            await x.HeadAsync();
            for (var i = 0; i < 5; i++)
                await x.SendAsync(Bookmark(x.Query("resourceVersion")!));
        },
        ["a bookmark that goes back"] = async x =>
        {
            await x.HeadAsync();
            await x.SendAsync(Bookmark("1"));
        },
        ["blank lines and CRLF"] = async x =>
        {
            await x.HeadAsync();
            await x.SendAsync("\r\n\n" + Bookmark(x.Query("resourceVersion")!).TrimEnd() + "\r\n\r\n");
        },
        ["an event of 1.5 MB, then a reset"] = async x =>
        {
            await AfterOne(x, $$$"""{"type":"ADDED","object":{"metadata":{"name":"{{{new string('x', 1_500_000)}}}""");
            x.Reset();
        },
        ["a hung answer"] = x => x.HangAsync(),
    };

    static Task Reset(Exchange x)
    {
        x.Reset();
        return Task.CompletedTask;
    }

    static async Task AfterOne(Exchange x, string text)
    {
        await x.ServeWatchAsync(most: 1);
        await x.SendAsync(text);
    }

    /// <summary>The newest first, and then what came before, back to the beginning of the history.</summary>
    static async Task OutOfOrderAsync(Exchange x)
    {
        var (lines, version, changed) = x.History();
        if (lines.Length < 3)
            await changed.WaitAsync(x.Stop);
        (lines, version, _) = x.History();
        await x.HeadAsync();
        await x.SendAsync(lines[^1]);
        foreach (var line in lines.Reverse())
            await x.SendAsync(line);
        await x.SendAsync(Bookmark($"{version}"));
    }

    static string Bookmark(string version) => $$"""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"{{version}}"} } }""" + "\n";

    static string Half(Exchange x) => x.IsStream
        ? """{"type":"ADDED","object":{"metadata":{"name":"ghost","resourceVersion":"3"}}}""" + "\n" + """{"type":"ADD"""
        : """{"kind":"ConfigMapList","metadata":{"resourceVersion":"3"},"items":[{"metadata":{"name":"ghost","resourceVersion":"3"}},{"m""";
}
