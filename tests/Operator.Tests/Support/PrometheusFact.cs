namespace Framelease.Operator.Tests.Support;

/// <summary>A test that runs the real prometheus or promtool; says loudly where they are missing.</summary>
public sealed class PrometheusFactAttribute : FactAttribute
{
    public PrometheusFactAttribute()
    {
        if (Find("promtool") is null || Find("prometheus") is null)
            Skip = "prometheus and promtool are not on the PATH: apt install prometheus";
    }

    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);
}
