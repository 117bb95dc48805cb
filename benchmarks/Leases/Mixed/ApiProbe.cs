using System.Net.Http.Headers;

namespace Framelease.Benchmarks.Leases.Mixed;

/// <summary>
/// Asks the monitoring API at a steady pace, as a client behind a Service does: a replica that does not answer within a second is given up
/// for the next one.
/// </summary>
sealed class ApiProbe(MixedPlatform platform, Cli.Shell shell) : IDisposable
{
    static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);
    static readonly string[] Paths =
        ["api/v1/monitoring/gpu-lock/health", "api/v1/monitoring/heartbeat/all", "api/v1/monitoring/statistics", "api/v1/monitoring/monitor/status"];

    readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(1) };
    readonly List<TimeSpan> _answered = [];

    public IReadOnlyList<TimeSpan> Answered => _answered;

    /// <summary>Questions that no replica answered.</summary>
    public int Lost { get; private set; }

    public double Availability => _answered.Count / (double)(_answered.Count + Lost);

    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Pace, shell.Time);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var sent = shell.Time.GetTimestamp();
            if (await AskAnyAsync(Paths[i % Paths.Length], first: i / Paths.Length))
                _answered.Add(shell.Time.GetElapsedTime(sent));
            else
                Lost++;
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    public void Dispose() => _http.Dispose();

    async Task<bool> AskAnyAsync(string path, int first)
    {
        var replicas = platform.Replicas;
        for (var i = 0; i < replicas.Count; i++)
        {
            if (await AnswersAsync(new Uri(replicas[(first + i) % replicas.Count], path)))
                return true;
        }

        return false;
    }

    async Task<bool> AnswersAsync(Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", platform.Cluster.Options.Token);
        try
        {
            using var answer = await _http.SendAsync(request);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
