using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Framelease.Operator.Api;

/// <summary>Writes server-sent events to a response; a caller that takes nothing in time is cut off.</summary>
sealed class SseWriter(HttpContext context, TimeSpan timeout, TimeProvider time)
{
    readonly PipeWriter _writer = context.Response.BodyWriter;

    public long Unflushed => _writer.UnflushedBytes;

    /// <param name="data">One line.</param>
    public void Event(string? id, string name, ReadOnlySpan<byte> data)
    {
        if (id is not null)
            Text($"id: {id}\n");
        Text($"event: {name}\ndata: ");
        _writer.Write(data);
        Text("\n\n");
    }

    public async Task CommentAsync(string text, CancellationToken cancel)
    {
        Text($": {text}\n\n");
        await FlushAsync(cancel);
    }

    /// <summary>Tells why nothing more comes. What was sent before stays the place to resume from.</summary>
    public async Task EndAsync(string reason, string message, CancellationToken cancel)
    {
        Event(null, "end", JsonSerializer.SerializeToUtf8Bytes(new StreamEnd(reason, message), StreamJson.Default.StreamEnd));
        await FlushAsync(cancel);
    }

    public async Task FlushAsync(CancellationToken cancel)
    {
        var flushing = _writer.FlushAsync(cancel);
        if (flushing.IsCompleted)
        {
            await flushing;
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var flushed = flushing.AsTask();
        if (await Task.WhenAny(flushed, Task.Delay(timeout, time, limit.Token)) != flushed)
            context.Abort();
        await limit.CancelAsync();
        await flushed;
        cancel.ThrowIfCancellationRequested();
    }

    void Text(string text)
    {
        var count = Encoding.UTF8.GetBytes(text, _writer.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length)));
        _writer.Advance(count);
    }
}

/// <param name="Reason">Stopping, Unauthorized or Forbidden.</param>
sealed record StreamEnd(string Reason, string Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StreamEnd))]
sealed partial class StreamJson : JsonSerializerContext;
