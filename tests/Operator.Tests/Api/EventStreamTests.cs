using System.Net;
using Framelease.Domain.Leasing;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Api;
using Framelease.Operator.Tests.Authority;
using Framelease.Operator.Tests.Support;

namespace Framelease.Operator.Tests.Api;

/// <summary>The log as server-sent events, over HTTP.</summary>
[Collection(PostgresServer.Collection)]
public sealed class EventStreamTests(PostgresServer server) : IAsyncLifetime
{
    static readonly EventStreamOptions Quick = new() { Heartbeat = TimeSpan.FromMilliseconds(100), MostStreams = 2 };

    OperatorUnderTest _platform = null!;
    AuthorityHarness _log = null!;

    public async Task InitializeAsync()
    {
        _platform = await OperatorUnderTest.StartAsync(server, o => o with { EventStreams = Quick });
        _log = new AuthorityHarness(_platform.Postgres, (await _platform.Client.GetAsync<Namespace>("kube-system")).Metadata.Uid!);
    }

    public async Task DisposeAsync()
    {
        await _log.DisposeAsync();
        await _platform.DisposeAsync();
    }

    [Fact]
    public async Task What_is_committed_arrives_and_a_lost_connection_goes_on_where_it_ended()
    {
        string last;
        using (var stream = await Reading.OpenAsync(_platform, "?after=0&stream=lease-"))
        {
            await RequestAsync("a");
            var first = await stream.NextEventAsync();
            first.ShouldContain("event: lease_requested");
            first.Single(l => l.StartsWith("data: ", StringComparison.Ordinal)).ShouldContain("\"stream\":\"lease-a\"");
            last = first.Single(l => l.StartsWith("id: ", StringComparison.Ordinal))["id: ".Length..];
        }

        await RequestAsync("b");
        await RequestAsync("c");
        using var again = await Reading.OpenAsync(_platform, "?stream=lease-", last);
        (await again.NextEventAsync()).ShouldContain(l => l.Contains("\"stream\":\"lease-b\"", StringComparison.Ordinal));
        (await again.NextEventAsync()).ShouldContain(l => l.Contains("\"stream\":\"lease-c\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_what_was_asked_for_comes_and_silence_is_filled_with_comments()
    {
        using var stream = await Reading.OpenAsync(_platform, "?after=0&type=lease_gave_up,lease_granted");
        await RequestAsync("a");
        (await stream.NextLineAsync(l => l == ": alive")).ShouldBe(": alive");
        await _log.LeaseAsync("a", new LeaseCommand.GiveUp("test"));
        (await stream.NextEventAsync()).ShouldContain("event: lease_gave_up");
    }

    [Fact]
    public async Task More_streams_than_allowed_are_refused_until_one_ends()
    {
        using var first = await Reading.OpenAsync(_platform, "?after=0");
        using (await Reading.OpenAsync(_platform, "?after=0"))
        {
            using var third = await _platform.Api.GetAsync("/api/v1/events");
            third.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        }

        await OperatorUnderTest.UntilAsync(
            async () =>
            {
                using var answer = await _platform.Api.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead);
                return answer.StatusCode;
            },
            status => status == HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("?after=-1")]
    [InlineData("?after=x")]
    public async Task A_place_that_is_none_is_refused(string query)
    {
        using var answer = await _platform.Api.GetAsync("/api/v1/events" + query);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_replica_that_stops_says_so_at_the_end_of_its_streams()
    {
        using var stream = await Reading.OpenAsync(_platform, "?after=0");
        var stopping = _platform.StopAsync();
        (await stream.NextLineAsync(l => l == "event: end")).ShouldNotBeNull();
        (await stream.NextLineAsync(l => l.StartsWith("data: ", StringComparison.Ordinal))).ShouldNotBeNull()
            .ShouldContain("\"reason\":\"Stopping\"");
        (await stream.NextLineAsync(_ => false)).ShouldBeNull();
        await stopping;
    }

    Task RequestAsync(string name) => _log.LeaseAsync(name, new LeaseCommand.Request(
        new LeaseRequested(name, "default", name, "nowhere", "test", null, 0, 0, Given.Terms)));

    sealed class Reading(HttpResponseMessage answer, StreamReader lines) : IDisposable
    {
        static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

        public static async Task<Reading> OpenAsync(OperatorUnderTest platform, string query, string? lastEventId = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events" + query);
            if (lastEventId is not null)
                request.Headers.Add("Last-Event-ID", lastEventId);
            var answer = await platform.Api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
            return new Reading(answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
        }

        /// <summary>The lines of the next event; comments are passed over.</summary>
        public async Task<IReadOnlyList<string>> NextEventAsync()
        {
            List<string> found = [(await NextLineAsync(l => l.StartsWith("id: ", StringComparison.Ordinal)))!];
            while (await ReadAsync() is { Length: > 0 } line)
                found.Add(line);
            return found;
        }

        /// <returns>Null at the end of the stream.</returns>
        public async Task<string?> NextLineAsync(Func<string, bool> isWanted)
        {
            while (await ReadAsync() is { } line)
            {
                if (isWanted(line))
                    return line;
            }

            return null;
        }

        public void Dispose()
        {
            lines.Dispose();
            answer.Dispose();
        }

        Task<string?> ReadAsync() => lines.ReadLineAsync().WaitAsync(Patience);
    }
}
