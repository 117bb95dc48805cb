using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Framelease.GpuWorker.Attempts;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Outputs;

/// <param name="Sha256">Lower-case hex.</param>
sealed record Uploaded(string Sha256, long Bytes);

/// <summary>Brings the output into the object store. A port, as <see cref="OutputUploader"/> has it.</summary>
interface IOutputUploader
{
    Task<Uploaded> UploadAsync(Session session, string path, Func<bool> inContact, CancellationToken cancellation);
}

/// <summary>
/// Puts the output under the attempt's staging key, create-only. A key that is taken (412) is this attempt's own, of a try whose reply was lost: the
/// operator compares digests at complete, so a wrong guess cannot be committed.
/// </summary>
sealed class OutputUploader(HttpClient client, WorkerLog log, TimeProvider time, Random chance) : IOutputUploader
{
    static readonly TimeSpan StorePatience = TimeSpan.FromMinutes(15);

    public async Task<Uploaded> UploadAsync(Session session, string path, Func<bool> inContact, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var backoff = new Backoff(chance, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(15));
        var patience = new Patience(StorePatience, time);
        for (var tries = 1; ; tries++)
        {
            string why;
            try
            {
                using var content = new HashingFileContent(path);
                var (status, answer) = await SendAsync(session.Assignment.Output, content, probeFirst: tries > 1, cancellation);
                if (status is >= 200 and < 300 || status == (int)HttpStatusCode.PreconditionFailed)
                {
                    var digest = content.Sha256 ?? await DigestAsync(path, cancellation);
                    log.Line($"upload: {WorkerLog.Bytes(content.Length)} to {session.Assignment.Output.Key} in {WorkerLog.Seconds(time.GetElapsedTime(started))}");
                    return new Uploaded(digest, content.Length);
                }

                if (status == (int)HttpStatusCode.Forbidden && tries == 1 && await session.RefreshAsync(cancellation))
                    continue; // the URL had expired
                if (Final(status, answer, session.Assignment.Output, content.Length) is { } final)
                    throw final;
                why = $"{status} {answer}";
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                why = e.InnerException?.Message ?? e.Message;
            }

            if (!patience.Lasts(inContact()))
            {
                throw WorkerFailedException.Of(
                    FailCategory.Storage, FailReasons.OutputNotWritable,
                    $"The output could not be uploaded to {session.Assignment.Output.Key} for {StorePatience.TotalMinutes:0} minutes: {why}", retryable: true);
            }

            log.Line($"upload: not yet ({why}); trying on");
            await Task.Delay(backoff.Next(), time, cancellation);
        }
    }

    async Task<(int Status, string Answer)> SendAsync(OutputTarget target, HashingFileContent content, bool probeFirst, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, target.PutUrl) { Content = content };
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(target.ContentType);
        request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        // after a lost reply the store may say 412 before the bytes travel again
        request.Headers.ExpectContinue = probeFirst ? true : null;
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        var answer = response.IsSuccessStatusCode ? "" : await AnswerAsync(response, cancellation);
        return ((int)response.StatusCode, answer);
    }

    static async Task<string> AnswerAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            await response.Content.LoadIntoBufferAsync(64 * 1024, cancellation);
            var text = await response.Content.ReadAsStringAsync(cancellation);
            return text.Length > 300 ? text[..300] : text;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return response.ReasonPhrase ?? "";
        }
    }

    static WorkerFailedException? Final(int status, string answer, OutputTarget target, long bytes) => status switch
    {
        507 => WorkerFailedException.Of(
            FailCategory.Storage, FailReasons.OutputNoSpace, "The object store is full. Free space there, or raise its quota, and apply the task again.", retryable: false),
        413 => WorkerFailedException.Of(
            FailCategory.UserError, FailReasons.LimitExceeded,
            $"The output has {WorkerLog.Bytes(bytes)}; allowed are {WorkerLog.Bytes(target.MaxBytes)}. Raise crf, lower bitrateKbps or height, or raise the engine's output limit.",
            retryable: false),
        400 or 401 or 403 or 404 or 405 => WorkerFailedException.Of(
            FailCategory.Storage, FailReasons.OutputNotWritable, $"The object store refused the output ({status} {answer}). Check the store's rights and bucket.", retryable: true),
        _ => null,
    };

    static async Task<string> DigestAsync(string path, CancellationToken cancellation)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellation));
    }
}
