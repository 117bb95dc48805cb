using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Notifications;
using Framelease.Operator.Notifications.Sinks;

namespace Framelease.Operator.Tests.Notifications;

/// <summary>Each sink against a real listener on this machine.</summary>
public sealed class SinkTests : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;
    static readonly Guid Id = Guid.Parse("01234567-89ab-7def-8123-456789abcdef");

    static readonly Notification Message = new(Id, "s", NotificationKind.Firing, new NotificationBody(
        NotificationKind.Firing,
        [
            new AlertBody(
                "GPU_LOCK_DEADLOCK_DETECTED", IssueSeverity.Critical, "gold", "1 slot \"stuck\"\nfor long", Given.At, "docs/runbooks/X.md"),
        ]));

    readonly string _secret = Path.GetTempFileName();
    readonly HttpSending _http = new(new AddressGuard(["127.0.0.1", "localhost"]));
    HttpReceiver _receiver = null!;

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_secret, "the key\n");
        _receiver = await HttpReceiver.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _receiver.DisposeAsync();
        _http.Dispose();
        File.Delete(_secret);
    }

    [Fact]
    public async Task A_webhook_is_signed_over_its_id_its_time_and_its_body()
    {
        await Webhook(_receiver.Url).SendAsync(Message, Ct);
        var got = _receiver.Requests.ShouldHaveSingleItem();
        got.Header("Webhook-Id").ShouldBe(Id.ToString("D"));
        var signed = Encoding.UTF8.GetBytes($"{got.Header("Webhook-Id")}.{got.Header("Webhook-Timestamp")}.{got.Body}");
        var expected = Convert.ToBase64String(HMACSHA256.HashData("the key"u8.ToArray(), signed));
        got.Header("Webhook-Signature").ShouldBe("v1," + expected);
        var body = JsonNode.Parse(got.Body)!;
        ((string)body["kind"]!).ShouldBe("Firing");
        ((string)body["alerts"]![0]!["name"]!).ShouldBe("GPU_LOCK_DEADLOCK_DETECTED");
    }

    [Theory]
    [InlineData(500, false)]
    [InlineData(429, false)]
    [InlineData(302, false)]
    [InlineData(404, true)]
    public async Task An_answer_that_is_no_success_is_told_with_whether_trying_again_can_help(int status, bool permanent)
    {
        _receiver.Status = status;
        var e = await Should.ThrowAsync<NotificationFailedException>(() => Webhook(_receiver.Url).SendAsync(Message, Ct));
        e.IsPermanent.ShouldBe(permanent);
        e.Message.ShouldContain($"answered {status}");
        _receiver.Requests.Count.ShouldBe(1, "a redirect is not followed");
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("[::1]")]
    public async Task A_URL_of_this_machine_is_refused_after_its_name_was_resolved_unless_an_administrator_allows_it(string host)
    {
        using var guarded = new HttpSending(new AddressGuard([]));
        var url = new UriBuilder(_receiver.Url) { Host = host }.Uri;
        var e = await Should.ThrowAsync<NotificationFailedException>(
            () => new WebhookSink(Options(SinkType.Webhook) with { Url = url }, guarded, TimeProvider.System).SendAsync(Message, Ct));
        e.Message.ShouldContain("is not public");
        _receiver.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_short_message_goes_to_each_number_in_the_gateway_s_own_form()
    {
        var options = Options(SinkType.Sms) with { Url = _receiver.Url, To = ["+49 1", "+49 2"] };
        await new SmsSink(options, _http).SendAsync(Message, Ct);
        _receiver.Requests.Select(r => (string)JsonNode.Parse(r.Body)!["to"]!).ShouldBe(["+49 1", "+49 2"]);
        ((string)JsonNode.Parse(_receiver.Requests[0].Body)!["text"]!).ShouldContain("GPU_LOCK_DEADLOCK_DETECTED (gold): 1 slot \"stuck\"");
        _receiver.Requests.Select(r => r.Header("Idempotency-Key")).ShouldBe([$"{Id:D}-0", $"{Id:D}-1"]);
        _receiver.Requests[0].Header("Authorization").ShouldBe("Bearer the key");

        await new SmsSink(
            options with { ContentType = "application/x-www-form-urlencoded", Body = "to={to}&text={text}", To = ["+49 3"] },
            _http).SendAsync(Message, Ct);
        _receiver.Requests[2].Body.ShouldStartWith("to=%2B49%203&text=%5BFramelease%5D%20Firing");
    }

    [Fact]
    public async Task A_mail_arrives_as_text_with_the_id_as_its_own()
    {
        await using var server = SmtpReceiver.Start();
        var options = Options(SinkType.Email) with
        {
            Host = "127.0.0.1",
            Port = server.Port,
            StartTls = false,
            From = "framelease@example.org",
            To = ["ops@example.org", "lead@example.org"],
        };
        await new EmailSink(options).SendAsync(Message, Ct);
        server.Recipients.ShouldBe(["ops@example.org", "lead@example.org"]);
        var mail = server.Mails.ShouldHaveSingleItem();
        mail.ShouldContain($"Message-ID: <{Id:D}@framelease>", Case.Insensitive);
        mail.ShouldContain("Auto-Submitted: auto-generated", Case.Insensitive);
        mail.ShouldContain("Subject: ");
    }

    [Fact]
    public async Task A_mail_server_that_is_not_there_is_worth_another_try()
    {
        var options = Options(SinkType.Email) with
        {
            Host = "127.0.0.1",
            Port = 1,
            StartTls = false,
            From = "a@example.org",
            To = ["b@example.org"],
        };
        var e = await Should.ThrowAsync<NotificationFailedException>(() => new EmailSink(options).SendAsync(Message, Ct));
        e.IsPermanent.ShouldBeFalse();
    }

    [Fact]
    public async Task A_mail_server_that_cannot_encrypt_gets_no_mail_where_encryption_is_asked_for()
    {
        await using var server = SmtpReceiver.Start();
        var options = Options(SinkType.Email) with
        {
            Host = "127.0.0.1",
            Port = server.Port,
            From = "a@example.org",
            To = ["b@example.org"],
        };
        await Should.ThrowAsync<NotificationFailedException>(() => new EmailSink(options).SendAsync(Message, Ct));
        server.Mails.ShouldBeEmpty();
    }

    WebhookSink Webhook(Uri url) => new(Options(SinkType.Webhook) with { Url = url }, _http, TimeProvider.System);

    SinkOptions Options(SinkType type) => new() { Name = "s", Type = type, SecretFile = _secret };
}
