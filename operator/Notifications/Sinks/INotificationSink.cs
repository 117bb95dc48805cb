namespace Framelease.Operator.Notifications.Sinks;

/// <summary>
/// Tells people. Called again with the same notification until it succeeds, so it must let the receiver recognise it by its id.
/// </summary>
interface INotificationSink
{
    /// <exception cref="NotificationFailedException">It was not taken.</exception>
    Task SendAsync(Notification notification, CancellationToken cancel);
}

/// <summary>A sink did not take a notification; the message says what it answered.</summary>
/// <param name="isPermanent">Trying again cannot help.</param>
sealed class NotificationFailedException(string message, bool isPermanent, Exception? inner = null) : Exception(message, inner)
{
    public bool IsPermanent { get; } = isPermanent;
}
