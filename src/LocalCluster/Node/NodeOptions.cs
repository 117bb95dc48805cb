namespace Framelease.LocalCluster.Node;

/// <summary>How the process node is started; <see cref="Parse"/> reads the command line of <c>framelease-localcluster node</c>.</summary>
public sealed record NodeOptions
{
    /// <summary>Holds <c>pods/</c>; survives the node.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>How to reach the API server.</summary>
    public required string KubeConfig { get; init; }

    /// <summary>Name of the Node object. Default <c>local</c>.</summary>
    public string NodeName { get; init; } = "local";

    /// <summary>Table of images, see <c>ImageTable</c>.</summary>
    public required string Images { get; init; }

    /// <summary>Software slots offered when there is no GPU, 0–64. Default 1.</summary>
    public int SoftwareSlots { get; init; } = 1;

    /// <summary>Prefixes that hostPath volumes may use. Default none.</summary>
    public IReadOnlyList<string> AllowedHostPaths { get; init; } = [];

    /// <summary>Most seconds that pods get to end when the platform stops (SIGUSR1). Default 10.</summary>
    public int DrainGraceSeconds { get; init; } = 10;

    /// <summary>
    /// Of the operator, to which the node proves that holders of quarantined slots are gone. Default none: it proves nothing.
    /// </summary>
    public Uri? OperatorUrl { get; init; }

    /// <summary>The shim program; default beside this one.</summary>
    public string ShimProgram { get; init; } = Path.Combine(AppContext.BaseDirectory, "framelease-shim");

    internal const string Usage = """
        usage: framelease-localcluster node --data-dir D --kubeconfig F --images FILE [options]

          --node-name NAME      name of the Node object (default local)
          --gpus N              software slots where nvidia-smi lists no GPU (default 1)
          --allow PATH          prefix that hostPath volumes may use; may be repeated
          --operator-url URL    of the operator: quarantined slots whose holders are gone are proven to it (default: none are)
          --drain-grace N       most seconds that pods get when the platform stops (default 10)

        Runs pods as processes. SIGTERM ends the node and leaves its pods running for the next one; SIGUSR1 ends the pods first.
        """;

    /// <exception cref="FormatException">An option is unknown, missing or out of bounds; the message says which.</exception>
    public static NodeOptions Parse(IReadOnlyList<string> arguments)
    {
        string? data = null, kubeconfig = null, images = null, name = null;
        Uri? operatorUrl = null;
        int gpus = 1, drain = 10;
        var allowed = new List<string>();
        for (var i = 0; i < arguments.Count; i += 2)
        {
            var option = arguments[i];
            if (i + 1 >= arguments.Count)
                throw new FormatException($"{option}: a value is missing");
            var value = arguments[i + 1];
            switch (option)
            {
                case "--data-dir": data = Path.GetFullPath(value); break;
                case "--kubeconfig": kubeconfig = Path.GetFullPath(value); break;
                case "--images": images = Path.GetFullPath(value); break;
                case "--node-name": name = value; break;
                case "--gpus": gpus = Number(option, value, 0, 64); break;
                case "--allow" or "--allowed": allowed.Add(Path.GetFullPath(value)); break;
                case "--operator-url": operatorUrl = Url(option, value); break;
                case "--drain-grace": drain = Number(option, value, 0, 3600); break;
                default: throw new FormatException($"unknown option {option}");
            }
        }
        return new NodeOptions
        {
            DataDirectory = data ?? throw new FormatException("--data-dir is missing"),
            KubeConfig = kubeconfig ?? throw new FormatException("--kubeconfig is missing"),
            Images = images ?? throw new FormatException("--images is missing"),
            NodeName = name ?? "local",
            SoftwareSlots = gpus,
            AllowedHostPaths = allowed,
            DrainGraceSeconds = drain,
            OperatorUrl = operatorUrl,
        };
    }

    static Uri Url(string option, string text) =>
        Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url : throw new FormatException($"{option} {text}: must be an http:// or https:// URL");

    static int Number(string option, string text, int least, int most) =>
        int.TryParse(text, out var number) && number >= least && number <= most
            ? number : throw new FormatException($"{option} {text}: must be a whole number from {least} to {most}");
}
