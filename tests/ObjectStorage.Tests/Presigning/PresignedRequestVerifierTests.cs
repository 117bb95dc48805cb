using System.Web;
using Framelease.ObjectStorage.Presigning;
using Framelease.ObjectStorage.Tests.Support;

namespace Framelease.ObjectStorage.Tests.Presigning;

public class PresignedRequestVerifierTests
{
    static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    static readonly byte[] OtherKey = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    readonly ManualTime _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    PresignedUrls Urls(params byte[][] keys) => new(() => new Uri("https://node:8788/objects/v1/"), keys.Length == 0 ? [Key] : keys, _time);

    static PresignedRequest Request(Uri url, string method, string? type = null, string? match = null, long? length = null)
    {
        var query = HttpUtility.ParseQueryString(url.Query);
        return new PresignedRequest(
            method, Uri.UnescapeDataString(url.AbsolutePath["/objects/v1/".Length..]), query.AllKeys.ToDictionary(k => k!, k => query[k]!), type, match, length);
    }

    PresignedVerdict Verify(PresignedRequest request, PresignedUrls? urls = null) => new PresignedRequestVerifier(urls ?? Urls()).Verify(request);

    static int Status(PresignedVerdict verdict) => verdict.ShouldBeOfType<PresignedVerdict.Refused>().Status;

    Uri PutUrl() => Urls().Put("staging/a b.mp4", new PresignPutOptions(TimeSpan.FromMinutes(5), 1000, "video/mp4", IfNoneMatch: true));

    [Theory]
    [InlineData("inputs/clip.mp4")]
    [InlineData("a b/ü+&?%2F#;=.mp4")]
    public void A_url_to_read_allows_get_and_head_of_its_key(string key)
    {
        var url = Urls().Get(key, TimeSpan.FromMinutes(5));
        url.AbsoluteUri.ShouldStartWith("https://node:8788/objects/v1/");
        foreach (var method in (string[])["GET", "HEAD"])
            Verify(Request(url, method)).ShouldBeOfType<PresignedVerdict.Allowed>().Grant.Key.ShouldBe(key);
        Status(Verify(Request(url, "PUT"))).ShouldBe(405);
        Status(Verify(Request(url, "DELETE"))).ShouldBe(405);
    }

    [Fact]
    public void A_url_to_write_carries_its_limits()
    {
        var grant = Verify(Request(PutUrl(), "PUT", "video/mp4", "*", 1000)).ShouldBeOfType<PresignedVerdict.Allowed>().Grant;
        grant.ShouldBe(new PresignedGrant("PUT", "staging/a b.mp4", grant.ExpiresAt, 1000, "video/mp4", true));
        Status(Verify(Request(PutUrl(), "PUT", "video/mp4", "*", 1001))).ShouldBe(413);
        Status(Verify(Request(PutUrl(), "PUT", "text/html", "*", 10))).ShouldBe(403);
        Status(Verify(Request(PutUrl(), "PUT", "video/mp4", null, 10))).ShouldBe(403);
        Status(Verify(Request(PutUrl(), "PUT", null, "*", 10))).ShouldBe(403);
        Status(Verify(Request(PutUrl(), "GET"))).ShouldBe(405);
    }

    [Fact]
    public void A_url_dies_at_its_expiry()
    {
        var url = Urls().Get("a", TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(9));
        Verify(Request(url, "GET")).ShouldBeOfType<PresignedVerdict.Allowed>();
        _time.Advance(TimeSpan.FromSeconds(1));
        Status(Verify(Request(url, "GET"))).ShouldBe(403);
    }

    [Theory]
    [InlineData("m", "GET")]
    [InlineData("e", "99999999999")]
    [InlineData("max", "1000000000")]
    [InlineData("ct", "text/html")]
    [InlineData("inm", "0")]
    [InlineData("s", "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("s", "short")]
    [InlineData("s", "zz00000000000000000000000000000000000000000000000000000000000000")]
    public void Changing_any_part_breaks_the_signature(string name, string value)
    {
        var request = Request(PutUrl(), "PUT", "video/mp4", "*", 10);
        var query = new Dictionary<string, string>(request.Query) { [name] = value };
        Status(Verify(request with { Query = query })).ShouldBe(403);
        query.Remove(name);
        Verify(request with { Query = query }).ShouldBeOfType<PresignedVerdict.Refused>();
    }

    [Fact]
    public void Another_key_is_not_covered()
    {
        var request = Request(PutUrl(), "PUT", "video/mp4", "*", 10);
        Status(Verify(request with { Key = "staging/b" })).ShouldBe(403);
        Status(Verify(request with { Key = "../etc/passwd" })).ShouldBe(400);
    }

    [Fact]
    public void A_replaced_key_still_verifies_until_it_is_dropped()
    {
        var url = Urls(Key).Get("a", TimeSpan.FromMinutes(5));
        Verify(Request(url, "GET"), Urls(OtherKey, Key)).ShouldBeOfType<PresignedVerdict.Allowed>();
        Status(Verify(Request(url, "GET"), Urls(OtherKey))).ShouldBe(403);
    }

    [Fact]
    public void Weak_keys_and_absurd_expiries_are_refused()
    {
        Should.Throw<ArgumentException>(() => Urls(new byte[31]));
        Should.Throw<ArgumentException>(() => Urls().Get("a", TimeSpan.Zero));
        Should.Throw<ArgumentException>(() => Urls().Get("a", TimeSpan.FromDays(8)));
        Should.Throw<ArgumentException>(() => Urls().Put("a", new PresignPutOptions(TimeSpan.FromMinutes(1), 1, "a\nb", false)));
    }
}
