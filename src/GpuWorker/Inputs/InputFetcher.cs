using System.Net;
using Framelease.GpuWorker.Attempts;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Inputs;

/// <summary>Brings the input to where the engine may see it. A port: the simulated one brings nothing.</summary>
interface IInputFetcher
{
    Task<LocalInput> FetchAsync(Session session, Scratch scratch, ProgressBoard board, Func<bool> inContact, CancellationToken cancellation);
}

/// <summary>Brings the input to where ffmpeg may see it: always a local file, never a URL.</summary>
/// <param name="operatorClient">For URLs that the operator made.</param>
sealed class InputFetcher(HttpClient operatorClient, SafeFetcher safe, WorkerLog log, TimeProvider time, Random chance) : IInputFetcher
{
    /// <summary>How long the store may fail while the operator itself answers.</summary>
    static readonly TimeSpan StorePatience = TimeSpan.FromMinutes(5);

    static readonly TimeSpan BetweenShows = TimeSpan.FromSeconds(0.5);

    public async Task<LocalInput> FetchAsync(Session session, Scratch scratch, ProgressBoard board, Func<bool> inContact, CancellationToken cancellation)
    {
        var source = session.Assignment.Input;
        log.Line($"input: {source.DisplayUri}");
        board.Show(new Progress(WorkerPhase.Fetching, Message: source.DisplayUri));
        var started = time.GetTimestamp();
        long? shown = null;
        var input = source.Presigned ? new LocalInput(scratch.Input, await FetchPresignedAsync(session, scratch, Moved, inContact, cancellation))
            : source.Uri.StartsWith("file:", StringComparison.OrdinalIgnoreCase) ? FileInput.Open(source)
            : new LocalInput(scratch.Input, await safe.FetchAsync(source, scratch, Moved, cancellation));
        if (input.Held is null)
            log.Line($"input: fetched {WorkerLog.Bytes(input.Bytes)} in {WorkerLog.Seconds(time.GetElapsedTime(started))}");
        return input;

        void Moved(long done, long? total)
        {
            if (shown is { } last && time.GetElapsedTime(last) < BetweenShows)
                return;
            shown = time.GetTimestamp();
            var of = total is { } t ? $" of {WorkerLog.Bytes(t)}" : "";
            board.Show(new Progress(WorkerPhase.Fetching, Message: $"fetched {WorkerLog.Bytes(done)}{of}"));
        }
    }

    async Task<long> FetchPresignedAsync(Session session, Scratch scratch, Action<long, long?> moved, Func<bool> inContact, CancellationToken cancellation)
    {
        var backoff = new Backoff(chance, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
        var patience = new Patience(StorePatience, time);
        var refreshed = false;
        while (true)
        {
            var source = session.Assignment.Input;
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, source.Uri);
                using var response = await operatorClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
                if (response.StatusCode == HttpStatusCode.Forbidden && !refreshed)
                {
                    refreshed = true; // the URL expired while we waited
                    if (await session.RefreshAsync(cancellation))
                        continue;
                }

                return await Download.SaveAsync(response, source, scratch, moved, time, cancellation);
            }
            catch (WorkerFailedException e) when (e.Failure.Retryable && patience.Lasts(inContact()))
            {
                log.Line($"input: {e.Message} Trying again.");
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                if (!patience.Lasts(inContact()))
                    throw Download.Unreachable(source, e.Message, retryable: true, e);
                log.Line($"input: no contact with the object store ({e.Message}); trying again");
            }

            await Task.Delay(backoff.Next(), time, cancellation);
        }
    }
}
