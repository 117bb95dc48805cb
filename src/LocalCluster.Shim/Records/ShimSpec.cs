using System.Globalization;
using System.Text;

namespace Framelease.LocalCluster.Shim.Records;

/// <summary>
/// What the shim is to run. The file is a row of NUL-terminated <c>key=value</c> texts, the form in which Linux itself hands out arguments
/// and environments: nothing needs escaping, and no JSON parser has to be loaded on the start path of every container.
/// </summary>
sealed record ShimSpec
{
    /// <summary>Environment variables that mark every process of a pod, so that a scan of /proc finds the tree without its shim.</summary>
    internal const string PodMarker = "FRAMELEASE_POD_UID", ContainerMarker = "FRAMELEASE_CONTAINER";

    public required string PodUid { get; init; }

    public required string Container { get; init; }

    /// <summary>Absolute path, or a name looked up in PATH of <see cref="Environment"/>.</summary>
    public required string Program { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The whole environment as NAME=value.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    public string? WorkingDirectory { get; init; }

    public required string LogFile { get; init; }

    /// <summary>Between SIGTERM and SIGKILL of the whole tree, unless the stop file says otherwise.</summary>
    public int GraceSeconds { get; init; } = 30;

    /// <summary>Thousandths of a CPU; null = no limit.</summary>
    public long? CpuMillis { get; init; }

    public long? MemoryBytes { get; init; }

    /// <summary>The value of an environment variable; the last one wins, as in a process.</summary>
    internal string? Variable(string name)
    {
        for (var i = Environment.Count - 1; i >= 0; i--)
            if (Environment[i].StartsWith(name, StringComparison.Ordinal) && Environment[i].AsSpan(name.Length).StartsWith("="))
                return Environment[i][(name.Length + 1)..];
        return null;
    }

    internal byte[] Serialize()
    {
        var text = new StringBuilder();
        Add("podUid", PodUid);
        Add("container", Container);
        Add("program", Program);
        foreach (var argument in Arguments)
            Add("argument", argument);
        foreach (var variable in Environment)
            Add("environment", variable);
        Add("workingDirectory", WorkingDirectory);
        Add("logFile", LogFile);
        Add("graceSeconds", GraceSeconds.ToString(CultureInfo.InvariantCulture));
        Add("cpuMillis", CpuMillis?.ToString(CultureInfo.InvariantCulture));
        Add("memoryBytes", MemoryBytes?.ToString(CultureInfo.InvariantCulture));
        return Encoding.UTF8.GetBytes(text.ToString());

        void Add(string key, string? value)
        {
            if (value is not null)
                text.Append(key).Append('=').Append(value).Append('\0');
        }
    }

    /// <exception cref="FormatException">A number is none, or a line has no key.</exception>
    internal static ShimSpec Parse(ReadOnlySpan<byte> bytes)
    {
        var arguments = new List<string>();
        var environment = new List<string>();
        var spec = new ShimSpec
        {
            PodUid = "", Container = "", Program = "", LogFile = "", Arguments = arguments, Environment = environment,
        };
        for (int end; (end = bytes.IndexOf((byte)0)) >= 0; bytes = bytes[(end + 1)..])
        {
            var entry = Encoding.UTF8.GetString(bytes[..end]);
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                throw new FormatException($"'{entry}' is not key=value");
            var value = entry[(equals + 1)..];
            switch (entry[..equals])
            {
                case "podUid": spec = spec with { PodUid = value }; break;
                case "container": spec = spec with { Container = value }; break;
                case "program": spec = spec with { Program = value }; break;
                case "argument": arguments.Add(value); break;
                case "environment": environment.Add(value); break;
                case "workingDirectory": spec = spec with { WorkingDirectory = value }; break;
                case "logFile": spec = spec with { LogFile = value }; break;
                case "graceSeconds": spec = spec with { GraceSeconds = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "cpuMillis": spec = spec with { CpuMillis = long.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "memoryBytes": spec = spec with { MemoryBytes = long.Parse(value, CultureInfo.InvariantCulture) }; break;
                default: break; // written by a newer node
            }
        }
        return spec;
    }
}
