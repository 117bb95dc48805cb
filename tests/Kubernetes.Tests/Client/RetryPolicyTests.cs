using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class RetryPolicyTests
{
    [Theory]
    // code, Retry-After, repeatable, never sent → sent again
    [InlineData(429, 1, false, false, true)]
    [InlineData(503, 1, false, false, true)]
    [InlineData(429, null, false, false, true)] // the server refused before doing anything
    [InlineData(429, 3600, false, false, false)] // nobody waits an hour inside a call
    [InlineData(503, null, false, false, false)] // a write that may have happened
    [InlineData(503, null, true, false, true)]
    [InlineData(500, null, true, false, true)]
    [InlineData(500, 1, false, false, false)]
    [InlineData(0, null, true, false, true)] // connection lost on what may be repeated
    [InlineData(0, null, false, false, false)] // … on another write
    [InlineData(0, null, false, true, true)] // … before anything was sent
    [InlineData(404, null, true, false, false)]
    [InlineData(409, null, false, false, false)]
    [InlineData(410, null, true, false, false)]
    [InlineData(422, null, false, false, false)]
    public void A_request_is_sent_again_only_where_that_is_safe(int code, int? retryAfter, bool isRepeatable, bool neverSent, bool again)
    {
        var status = new Status { Code = code, Reason = code == 0 ? KubernetesReasons.Unreachable : null };
        var error = new KubernetesException("x", status, null, retryAfter is { } s ? TimeSpan.FromSeconds(s) : null);
        RetryPolicy.Next(error, isRepeatable, neverSent, 1, 4, 0.5).HasValue.ShouldBe(again);
        RetryPolicy.Next(error, isRepeatable, neverSent, 5, 4, 0.5).ShouldBeNull("the tries are bounded");
    }

    [Fact]
    public void The_server_is_never_asked_before_its_Retry_After()
    {
        var error = new KubernetesException("x", new Status { Code = 429 }, null, TimeSpan.FromSeconds(2));
        RetryPolicy.Next(error, true, false, 1, 4, 0)!.Value.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(2));
    }
}
