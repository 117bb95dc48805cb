using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.Benchmarks.Reporting;

/// <summary>The figures as JSON, with the machine that they were measured on.</summary>
static class Report
{
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static void Write(string file, IReadOnlyList<Figure> figures, bool quick, DateTimeOffset now)
    {
        var report = new JsonObject
        {
            ["measuredAt"] = now.ToString("O"),
            ["quick"] = quick,
            ["machine"] = new JsonObject
            {
                ["system"] = RuntimeInformation.OSDescription,
                ["processor"] = Processor(),
                ["cores"] = Environment.ProcessorCount,
                ["runtime"] = RuntimeInformation.FrameworkDescription,
            },
            ["figures"] = new JsonArray([.. figures.Select(Node)]),
        };
        File.WriteAllText(file, report.ToJsonString(Indented) + "\n");
    }

    static JsonNode Node(Figure figure) => new JsonObject
    {
        ["suite"] = figure.Suite, ["name"] = figure.Name, ["value"] = figure.Value, ["unit"] = figure.Unit, ["rival"] = figure.Rival, ["ratio"] = figure.Ratio,
        ["goal"] = figure.Goal, ["met"] = figure.Met,
    };

    static string Processor() => File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown";
}
