using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Framelease.Operator.Notifications.Sinks;

/// <summary>
/// POSTs JSON, signed: <c>Webhook-Signature: v1,base64(HMAC-SHA256(key, "{id}.{timestamp}.{body}"))</c>. <c>Webhook-Id</c> stays the same
/// through all tries; the timestamp is that of the try, so that a receiver can refuse old ones.
/// </summary>
sealed class WebhookSink(SinkOptions options, HttpSending http, TimeProvider time) : INotificationSink
{
    public async Task SendAsync(Notification notification, CancellationToken cancel)
    {
        var key = Encoding.UTF8.GetBytes(await HttpSending.SecretAsync(options.SecretFile!, cancel));
        var body = JsonSerializer.SerializeToUtf8Bytes(notification.Body, NotificationJson.Default.NotificationBody);
        var id = notification.Id.ToString("D");
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var request = new HttpRequestMessage(HttpMethod.Post, options.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Webhook-Id", id);
        request.Headers.Add("Webhook-Timestamp", timestamp);
        request.Headers.Add("Webhook-Signature", "v1," + Sign(key, id, timestamp, body));
        await http.SendAsync(request, cancel);
    }

    public static string Sign(byte[] key, string id, string timestamp, byte[] body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
        return Convert.ToBase64String(HMACSHA256.HashData(key, signed));
    }
}
