using System.Net;
using System.Net.Mail;
using System.Text;

namespace Framelease.Operator.Notifications.Sinks;

/// <summary>
/// Plain text over SMTP. The Message-ID is the notification's id, so that a mail that is sent twice is shown once by programs that look at
/// it.
/// </summary>
sealed class EmailSink(SinkOptions options) : INotificationSink
{
    public async Task SendAsync(Notification notification, CancellationToken cancel)
    {
        using var client = new SmtpClient(options.Host!, options.Port)
        {
            EnableSsl = options.StartTls,
            DeliveryMethod = SmtpDeliveryMethod.Network
        };
        if (options.User is { } user)
            client.Credentials = new NetworkCredential(user, options.SecretFile is { } file ? await HttpSending.SecretAsync(file, cancel)
                : "");
        try
        {
            using var mail = new MailMessage
            {
                From = new MailAddress(options.From!), Subject = OneLine(notification.Body.Title), Body = notification.Body.Text,
                SubjectEncoding = Encoding.UTF8, BodyEncoding = Encoding.UTF8,
            };
            foreach (var to in options.To)
                mail.To.Add(new MailAddress(to));
            mail.Headers.Add("Message-ID", $"<{notification.Id:D}@framelease>");
            mail.Headers.Add("Auto-Submitted", "auto-generated");
            await client.SendMailAsync(mail, cancel);
        }
        catch (SmtpException e)
        {
            throw new NotificationFailedException($"{options.Host}: {e.Message} {e.InnerException?.Message}".Trim(),
                IsPermanent(e.StatusCode), e);
        }
        catch (FormatException e)
        {
            throw new NotificationFailedException($"from or to: {e.Message}", true, e);
        }
    }

    // 5xx of the addresses; a refused login or a missing STARTTLS may be mended at the server.
    static bool IsPermanent(SmtpStatusCode status) => status is SmtpStatusCode.MailboxUnavailable or SmtpStatusCode.MailboxNameNotAllowed
        or SmtpStatusCode.UserNotLocalTryAlternatePath or SmtpStatusCode.ExceededStorageAllocation;

    static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
