using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Framelease.Operator.Notifications.Sinks;

/// <summary>Short messages through whatever gateway speaks HTTP: one request a number, its body from the template.</summary>
sealed class SmsSink(SinkOptions options, HttpSending http) : INotificationSink
{
    /// <summary>Two messages' worth: gateways cut what is longer, or charge for it.</summary>
    const int MostCharacters = 300;

    public async Task SendAsync(Notification notification, CancellationToken cancel)
    {
        var text = notification.Body.Title is { Length: > MostCharacters } longer ? longer[..(MostCharacters - 1)] + "…"
            : notification.Body.Title;
        var token = options.SecretFile is { } file ? await HttpSending.SecretAsync(file, cancel) : null;
        foreach (var (to, index) in options.To.Select((to, i) => (to, i)))
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, options.Url)
            {
                Content = new StringContent(Fill(to, text), Encoding.UTF8, new MediaTypeHeaderValue(options.ContentType)),
            };
            if (token is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            // A try after a number in the middle failed repeats those before it: the gateway can tell.
            request.Headers.Add("Idempotency-Key", $"{notification.Id:D}-{index}");
            await http.SendAsync(request, cancel);
        }
    }

    string Fill(string to, string text) => options.Body
        .Replace("{to}", Escape(to), StringComparison.Ordinal).Replace("{text}", Escape(text), StringComparison.Ordinal);

    string Escape(string value) => options.ContentType == "application/json"
        ? JsonEncodedText.Encode(value, JavaScriptEncoder.Default).ToString()
        : Uri.EscapeDataString(value);
}
