using System.Text.Json.Nodes;
using Framelease.Cli.History;

namespace Framelease.Cli.Tests.History;

public sealed class HistoryTableTests
{
    const string Answer = """
        {"items": [
          {"sequence": 4, "stream": "lease-1", "version": 1, "type": "LeaseRequested", "timestamp": "2025-11-22T14:02:03.123Z", "data": {"leaseUid": "1", "pool": "default", "holder": "VideoTask default/clip"}},
          {"sequence": 5, "stream": "lease-1", "version": 2, "type": "LeaseGranted", "timestamp": "2025-11-22T14:02:03.130Z", "data": {"slot": {"cluster": "c", "node": "n", "device": "soft-0", "slot": 0}, "token": 7}},
          {"sequence": 9, "stream": "lease-1", "version": 3, "type": "LeaseExpired", "timestamp": "2025-11-22T14:02:09Z", "data": {"cause": "HeartbeatLost"}},
          {"sequence": 12, "stream": "lease-1", "version": 4, "type": "FromTheFuture", "timestamp": "2025-11-22T14:02:10Z", "data": {"depth": {"more": true}}}
        ]}
        """;

    [Fact]
    public void Every_event_is_a_line_with_time_device_and_token()
    {
        var shell = new TestShell();

        HistoryTable.Write(HistoryItem.FromAnswer((JsonObject)JsonNode.Parse(Answer)!), shell.Shell.Console);

        var lines = shell.Out.TrimEnd().Split('\n');
        lines.Length.ShouldBe(5);
        lines[1].ShouldContain("LeaseRequested");
        lines[1].ShouldContain("holder=\"VideoTask default/clip\"");
        lines[2].ShouldMatch(@"^5\s+14:02:03\.130\s+LeaseGranted\s+n/soft-0#0\s+7");
        lines[3].ShouldMatch(@"LeaseExpired\s+n/soft-0#0\s+7\s+cause=HeartbeatLost$");
    }

    [Fact]
    public void An_event_of_a_newer_version_is_shown_with_what_it_holds()
    {
        var shell = new TestShell();

        HistoryTable.Write(HistoryItem.FromAnswer((JsonObject)JsonNode.Parse(Answer)!), shell.Shell.Console);

        shell.Out.ShouldContain("FromTheFuture");
        shell.Out.ShouldContain("more=true");
    }
}
