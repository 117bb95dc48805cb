using System.Text.Json.Nodes;

namespace Framelease.Conformance.Tests.Support;

/// <summary>The lines of a watch.</summary>
public sealed class WatchReader(HttpResponseMessage response, Stream stream) : IDisposable
{
    readonly StreamReader _lines = new(stream);
    Task<string?>? _pending;

    /// <summary>The next event; null at the end of the watch.</summary>
    public async Task<WatchLine?> Next(int seconds = 10)
    {
        // Kept when time runs out, so that a later call gets the line.
        _pending ??= _lines.ReadLineAsync();
        var line = await _pending.WaitAsync(TimeSpan.FromSeconds(seconds));
        _pending = null;
        return line is null ? null : new WatchLine(JsonNode.Parse(line)!.AsObject());
    }

    /// <summary>The next event that is no bookmark.</summary>
    public async Task<WatchLine> Change(int seconds = 10)
    {
        while (true)
        {
            var line = await Next(seconds) ?? throw new InvalidOperationException("the watch ended");
            if (line.Type != "BOOKMARK")
                return line;
        }
    }

    public void Dispose()
    {
        response.Dispose();
        stream.Dispose();
    }
}

public sealed record WatchLine(JsonObject Json)
{
    public string Type => Json["type"]!.GetValue<string>();

    public JsonObject Object => Json["object"]!.AsObject();

    public string Name => Object["metadata"]!["name"]!.GetValue<string>();

    public string Revision => Object["metadata"]!["resourceVersion"]!.GetValue<string>();
}
