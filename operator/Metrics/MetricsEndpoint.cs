using System.Text;
using Framelease.Operator.Hosting;

namespace Framelease.Operator.Metrics;

/// <summary>
/// <c>/metrics</c>, <c>/healthz</c> and <c>/readyz</c> on a listener of their own: no bearer token is asked for here, so it belongs into
/// the cluster's own network, and a scrape answers although the database does not.
/// </summary>
sealed class MetricsEndpoint(IReadOnlyList<IMetricSource> sources, Readiness ready, TimeProvider time, ILogger logger)
{
    /// <summary>A source that takes longer is left out of this scrape: Prometheus itself gives up after 10 s.</summary>
    static readonly TimeSpan SourceTimeout = TimeSpan.FromSeconds(3);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/metrics", WriteAsync);
        ready.Map(routes);
    }

    async Task WriteAsync(HttpContext context)
    {
        var openMetrics = PrometheusText.WantsOpenMetrics(context.Request.Headers.Accept.ToString());
        var reads = await Task.WhenAll(sources.Select(s => ReadAsync(s, context.RequestAborted)));
        var text = new StringWriter { NewLine = "\n" };
        PrometheusText.Write(text, reads.SelectMany(families => families), openMetrics);
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        context.Response.ContentType = openMetrics ? PrometheusText.OpenMetrics : PrometheusText.Plain;
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    async Task<IReadOnlyList<MetricFamily>> ReadAsync(IMetricSource source, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(SourceTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            return await source.ReadAsync(both.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            Log.MetricsIncomplete(logger, source.GetType().Name, "no answer in time");
            return [];
        }
    }
}
