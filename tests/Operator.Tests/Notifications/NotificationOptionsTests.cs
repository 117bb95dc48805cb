using Framelease.Operator.Notifications;

namespace Framelease.Operator.Tests.Notifications;

public sealed class NotificationOptionsTests
{
    [Fact]
    public void A_whole_file_is_understood()
    {
        var options = Load("""
            {
              // comments are allowed
              "groupSeconds": 60, "privateHosts": ["hooks.intern"],
              "sinks": [
                { "name": "ops", "type": "Webhook", "url": "https://hooks.intern/x", "secretFile": "/run/key" },
                { "name": "mail", "type": "Email", "host": "mx", "from": "a@b", "to": ["c@d"], "level": 1 },
                { "name": "phone", "type": "Sms", "url": "https://gw/", "to": ["+1"], "level": 2, "minimum": "Critical" }
              ]
            }
            """);
        options.Sinks.Select(s => (s.Name, s.Type, s.Level)).ShouldBe(
            [("ops", SinkType.Webhook, 0), ("mail", SinkType.Email, 1), ("phone", SinkType.Sms, 2)]);
    }

    [Theory]
    [InlineData("""{ "escalateSeconds": 1 }""", "escalateSeconds is 1; allowed is 60 to 86400")]
    [InlineData("""{ "sinks": [{ "name": "a", "type": "Webhook", "url": "ftp://x", "secretFile": "k" }] }""", "sink a: url must be")]
    [InlineData("""{ "sinks": [{ "name": "a", "type": "Webhook", "url": "https://x" }] }""", "sink a: secretFile is missing")]
    [InlineData("""{ "sinks": [{ "name": "a", "type": "Email", "host": "x", "from": "y" }] }""", "sink a: an Email needs host, from")]
    [InlineData("""{ "sinks": [{ "name": "a", "type": "Sms", "url": "https://x" }] }""", "sink a: to: 1 to 50 numbers")]
    [InlineData("""{ "sinks": [{ "name": "a", "type": "Pigeon" }] }""", "could not be converted")]
    [InlineData("""{ "sings": [] }""", "sings")]
    [InlineData("[]", "")]
    public void A_file_with_a_mistake_is_refused_in_words(string text, string expected) =>
        Should.Throw<NotificationOptionsException>(() => Load(text)).Message.ShouldContain(expected);

    static NotificationOptions Load(string text)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            return NotificationOptions.Load(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
