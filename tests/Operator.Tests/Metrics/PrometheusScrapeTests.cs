using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Tests.Support;

namespace Framelease.Operator.Tests.Metrics;

/// <summary>The running operator as a real Prometheus sees it.</summary>
[Collection(PostgresServer.Collection)]
public sealed class PrometheusScrapeTests(PostgresServer server)
{
    [PrometheusFact]
    public async Task A_real_Prometheus_scrapes_the_operator_and_answers_a_query_about_it()
    {
        await using var platform = await OperatorUnderTest.StartAsync(server);
        await using var prometheus = Prometheus.Start(platform.MetricsUrl);
        var up = await OperatorUnderTest.UntilAsync(() => prometheus.QueryAsync("framelease_database_up"), r => r.Count > 0);
        ((string)up[0]!["value"]![1]!).ShouldBe("1");
        ((string)up[0]!["metric"]!["job"]!).ShouldBe("framelease-operator");
        await OperatorUnderTest.UntilAsync(
            () => prometheus.QueryAsync("sum(framelease_leader)"), r => r.Count > 0 && (string?)r[0]!["value"]![1] == "1");
        // Of every library that measures something.
        foreach (var name in new[]
        {
            "kubernetes_client_requests_total", "framelease_eventstore_commits_total", "dotnet_gc_collections_total", "process_open_fds",
            "db_client_connection_number", "framelease_observation_losses_total", "framelease_heartbeats_total",
            "kubernetes_controller_reconciles_total",
        })
            (await prometheus.QueryAsync(name)).Count.ShouldBeGreaterThan(0, name);
    }

    [PrometheusFact]
    public async Task Both_formats_pass_the_linter_and_health_answers_without_a_token()
    {
        await using var platform = await OperatorUnderTest.StartAsync(server);
        using var http = new HttpClient { BaseAddress = platform.MetricsUrl };
        (await http.GetStringAsync("/healthz")).ShouldBe("ok");
        (await http.GetAsync("/api/v1/leases/x/history")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        var lint = await ToolRun.RunAsync("promtool", ["check", "metrics"], await http.GetStringAsync("/metrics"));
        lint.ExitCode.ShouldBe(0, lint.Output);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.TryAddWithoutValidation("Accept", "application/openmetrics-text; version=1.0.0");
        using var answer = await http.SendAsync(request);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/openmetrics-text");
        (await answer.Content.ReadAsStringAsync()).ShouldEndWith("# EOF\n");
    }

    sealed class Prometheus(Process process, HttpClient http, string directory) : IAsyncDisposable
    {
        public static Prometheus Start(Uri target)
        {
            var directory = Directory.CreateTempSubdirectory("framelease-prometheus-").FullName;
            File.WriteAllText(Path.Combine(directory, "prometheus.yml"), $"""
                global:
                  scrape_interval: 500ms
                scrape_configs:
                  - job_name: framelease-operator
                    static_configs:
                      - targets: ["{target.Authority}"]
                """);
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            listener.Stop();
            var process = Process.Start(new ProcessStartInfo(
                PrometheusFactAttribute.Find("prometheus")!,
                [
                    "--config.file", Path.Combine(directory, "prometheus.yml"), "--storage.tsdb.path", Path.Combine(directory, "data"),
                    "--web.listen-address", $"127.0.0.1:{port}", "--log.level", "error",
                ]))!;
            return new Prometheus(process, new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") }, directory);
        }

        /// <summary>An instant query's result; empty while the server starts.</summary>
        public async Task<JsonArray> QueryAsync(string query)
        {
            try
            {
                var text = await http.GetStringAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}");
                return JsonNode.Parse(text)!["data"]!["result"]!.AsArray();
            }
            catch (HttpRequestException)
            {
                return [];
            }
        }

        public async ValueTask DisposeAsync()
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            http.Dispose();
            Directory.Delete(directory, recursive: true);
        }
    }
}
