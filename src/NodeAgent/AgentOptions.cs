using Framelease.NodeAgent.Looking;

namespace Framelease.NodeAgent;

/// <summary>How the agent is started: by options, or by the environment of its pod.</summary>
/// <param name="TokenFile">Of the projected token; read anew for each call.</param>
/// <param name="AuthorityFile">Certificates (PEM) that the operator's must go back to; null = the system's.</param>
/// <param name="PublishesDevices">It keeps the annotation of its Node that lists the devices.</param>
/// <param name="KubeConfig">How to reach the API server for that; null = as its pod does.</param>
sealed record AgentOptions(
    string Node, Uri Operator, string TokenFile, string? AuthorityFile, bool IsNestedNode, bool PublishesDevices = false,
    string? KubeConfig = null)
{
    public const string Usage = """
        usage: framelease-node [options]

          --node NAME         the node that it runs on            (or FRAMELEASE_NODE_NAME)
          --operator URL      of the operator                     (or FRAMELEASE_OPERATOR_URL)
          --token-file FILE   projected token of its pod, audience framelease.dev/node
                              (or FRAMELEASE_TOKEN_FILE; default /var/run/secrets/framelease/token)
          --ca-file FILE      certificates that the operator's must go back to (default: the system's)
          --nested-node       the node is itself a container (kind): its pid namespace is not the machine's first
          --publish-devices   keep the annotation framelease.dev/devices of the node, with each device's health, from nvidia-smi;
                              needs the rights get and patch on nodes
          --kubeconfig FILE   how to reach the API server for that (default: as a pod does)
          --version, --help

        Proves to the operator that the holders of quarantined slots on this node are gone, and so frees the slots. Looks at
        processes and devices, and never ends anything. Needs hostPID: true, and the capability SYS_PTRACE to look for the
        holders of bare leases. SIGTERM ends it. Exit codes: 0 ended by a signal, 2 it cannot run so.
        """;

    const string DefaultTokenFile = "/var/run/secrets/framelease/token";

    /// <exception cref="AgentException">Names the option, what it holds and what it should.</exception>
    public static AgentOptions Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        var (isNested, publishes) = (false, false);
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--nested-node":
                    isNested = true;
                    break;
                case "--publish-devices":
                    publishes = true;
                    break;
                case "--node" or "--operator" or "--token-file" or "--ca-file" or "--kubeconfig" when i + 1 < arguments.Count:
                    given[arguments[i]] = arguments[++i];
                    break;
                case "--node" or "--operator" or "--token-file" or "--ca-file" or "--kubeconfig":
                    throw new AgentException($"{arguments[i]}: a value is missing");
                default:
                    throw new AgentException($"unknown option {arguments[i]}");
            }
        }

        var url = Needed("--operator", "FRAMELEASE_OPERATOR_URL");
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new AgentException($"--operator {url}: it must be an http:// or https:// URL");
        return new AgentOptions(
            Needed("--node", "FRAMELEASE_NODE_NAME"), uri, Value("--token-file", "FRAMELEASE_TOKEN_FILE") ?? DefaultTokenFile,
            given.GetValueOrDefault("--ca-file"), isNested, publishes, given.GetValueOrDefault("--kubeconfig"));

        string Needed(string option, string variable) =>
            Value(option, variable) ?? throw new AgentException($"{option} is missing, and {variable} is not set");

        string? Value(string option, string variable) =>
            given.GetValueOrDefault(option) is { Length: > 0 } value ? value : environment(variable) is { Length: > 0 } set ? set : null;
    }
}
