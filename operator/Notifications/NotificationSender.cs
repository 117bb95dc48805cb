using Framelease.Operator.Ledger;
using Framelease.Operator.Metrics;
using Framelease.Operator.Notifications.Sinks;

namespace Framelease.Operator.Notifications;

/// <summary>
/// Empties the outbox: the leader sends what is due, each sink for itself, and tries again with growing, jittered pauses.
/// </summary>
sealed class NotificationSender(AlertBook book, IReadOnlyDictionary<string, INotificationSink> sinks, Random chance, TimeProvider time,
    ILogger logger)
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    const int MostAtOnce = 50;
    const double FirstPause = 5;
    const double LongestPause = 3600;

    /// <summary>After a day it is no news.</summary>
    const double GiveUpAfter = 86_400;

    public async Task RunAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await SendDueAsync(epoch, cancel);
            }
            catch (Exception e) when (e is LedgerUnavailableException or LedgerConflictException)
            {
                Log.DatabaseUnavailable(logger, e.Message);
            }

            await Task.Delay(Period, time, cancel);
        }
    }

    /// <returns>How many were taken.</returns>
    public async Task<int> SendDueAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var due = await book.ReadDueAsync(MostAtOnce, cancel);
        // A sink that hangs holds up only its own.
        var taken = await Task.WhenAll(due.GroupBy(d => d.Notification.Sink, StringComparer.Ordinal).Select(async same =>
        {
            var sent = 0;
            foreach (var (notification, tries, age) in same)
                sent += await SendAsync(notification, tries, age, epoch, cancel) ? 1 : 0;
            return sent;
        }));
        return taken.Sum();
    }

    async Task<bool> SendAsync(Notification notification, int tries, double age, LeaderEpoch epoch, CancellationToken cancel)
    {
        try
        {
            if (!sinks.TryGetValue(notification.Sink, out var sink))
                throw new NotificationFailedException($"there is no sink \"{notification.Sink}\" any more", true);
            await sink.SendAsync(notification, cancel);
            await book.SentAsync(notification.Id, epoch, cancel);
            PlatformMetrics.Notification(notification.Sink, "sent");
            Log.NotificationSent(logger, notification.Sink, notification.Body.Title);
            return true;
        }
        catch (NotificationFailedException e) when (e.IsPermanent || age > GiveUpAfter)
        {
            PlatformMetrics.Notification(notification.Sink, "given_up");
            Log.NotificationGivenUp(logger, notification.Sink, e.Message);
            await book.GiveUpAsync(notification.Id, Bounded(e.Message), epoch, cancel);
        }
        catch (NotificationFailedException e)
        {
            PlatformMetrics.Notification(notification.Sink, "retried");
            Log.NotificationRetried(logger, notification.Sink, tries + 1, e.Message);
            await book.RetryAsync(notification.Id, Bounded(e.Message), Pause(tries), epoch, cancel);
        }

        return false;
    }

    // Full jitter, but never at once: many who failed together must not come back together.
    double Pause(int tries) => 1 + (chance.NextDouble() * Math.Min(LongestPause, FirstPause * Math.Pow(2, Math.Min(tries, 20))));

    static string Bounded(string text) => text.Length <= 1000 ? text : text[..1000];
}
