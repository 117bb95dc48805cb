using System.Net;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Inputs;

/// <summary>Writes a response into the scratch folder, within bounds on bytes and on silence.</summary>
static class Download
{
    static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    // a server that drips bytes would else hold the slot for ever
    static readonly TimeSpan Longest = TimeSpan.FromHours(12);

    /// <param name="moved">Bytes so far and, where known, in total; called now and then.</param>
    /// <returns>Bytes written.</returns>
    public static async Task<long> SaveAsync(
        HttpResponseMessage response, InputSource source, Scratch scratch, Action<long, long?> moved, TimeProvider time, CancellationToken cancellation)
    {
        Refuse(response, source);
        var total = response.Content.Headers.ContentLength;
        if (total > source.MaxBytes)
            throw TooLarge(source, $"has {WorkerLog.Bytes(total.Value)}");
        if (total is { } expected)
            scratch.Expect(expected);
        using var silence = new CancellationTokenSource(Silence, time);
        using var longest = new CancellationTokenSource(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, longest.Token, cancellation);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            var done = await CopyAsync(body, source, scratch, done => moved(done, total), () => silence.CancelAfter(Silence), either.Token);
            return total is { } promised && done != promised
                ? throw Unreachable(source, $"the connection ended after {done} of {promised} bytes", retryable: true, null)
                : done;
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw longest.IsCancellationRequested
                ? Unreachable(source, $"it did not end within {Longest.TotalHours:0} hours", retryable: false, e)
                : Unreachable(source, $"nothing came for {Silence.TotalSeconds:0} s", retryable: true, e);
        }
    }

    public static WorkerFailedException Unreachable(InputSource source, string why, bool retryable, Exception? inner) => WorkerFailedException.Of(
        FailCategory.Input, FailReasons.InputUnreachable, $"{source.DisplayUri} could not be fetched: {why}. Check that the URL works from the cluster.", retryable, inner);

    static async Task<long> CopyAsync(
        Stream body, InputSource source, Scratch scratch, Action<long> moved, Action alive, CancellationToken cancellation)
    {
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            await using var file = new FileStream(scratch.Input, FileMode.Create, FileAccess.Write, FileShare.Read, 0);
            long done = 0;
            int read;
            while ((read = await ReadAsync(body, buffer, source, cancellation)) > 0)
            {
                alive();
                done += read;
                if (done > source.MaxBytes)
                    throw TooLarge(source, $"is larger than {WorkerLog.Bytes(source.MaxBytes)}");
                await file.WriteAsync(buffer.AsMemory(0, read), cancellation);
                moved(done);
            }

            return done;
        }
        catch (IOException e) when (e.HResult is Scratch.NoSpace or Scratch.Quota)
        {
            throw WorkerFailedException.ScratchFull(scratch.Folder, e);
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    static async Task<int> ReadAsync(Stream body, byte[] buffer, InputSource source, CancellationToken cancellation)
    {
        try
        {
            return await body.ReadAsync(buffer, cancellation);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw Unreachable(source, e.InnerException?.Message ?? e.Message, retryable: true, e);
        }
    }

    static void Refuse(HttpResponseMessage response, InputSource source)
    {
        if (response.IsSuccessStatusCode)
            return;
        var status = (int)response.StatusCode;
        throw response.StatusCode switch
        {
            HttpStatusCode.NotFound or HttpStatusCode.Gone => WorkerFailedException.Of(
                FailCategory.Input, FailReasons.InputNotFound, $"{source.DisplayUri} is not there ({status}). Check its name, or upload it first.", retryable: false),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => WorkerFailedException.Of(
                FailCategory.Input, FailReasons.InputNotAllowed, $"{source.DisplayUri} may not be read ({status}). Give a URL that needs no further credentials.", retryable: false),
            _ => Unreachable(source, $"the server answered {status} {response.ReasonPhrase}", retryable: status is 408 or 429 or >= 500, null),
        };
    }

    static WorkerFailedException TooLarge(InputSource source, string what) => WorkerFailedException.Of(
        FailCategory.UserError, FailReasons.InputTooLarge,
        $"{source.DisplayUri} {what}; allowed are {WorkerLog.Bytes(source.MaxBytes)}. Give a smaller file, or raise the engine's input limit.", retryable: false);
}
